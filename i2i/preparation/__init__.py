"""Preparation: any preparer over any number of images, into a dataset folder, surviving whatever happens on the way."""

from i2i.preparation.report import Report, Row
from i2i.preparation.runner import prepare

__all__ = ["Report", "Row", "prepare"]
