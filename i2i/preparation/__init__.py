"""Preparation: any preparer over any number of images, into a dataset folder, surviving whatever happens on the way."""

from i2i.preparation.report import Damage, Report, Row, verify
from i2i.preparation.runner import plan, prepare

__all__ = ["Damage", "Report", "Row", "plan", "prepare", "verify"]
