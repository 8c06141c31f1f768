"""Evaluates translators: metrics over items and sets, beside references, with spread; tables, a page and pictures."""

from i2i.evaluation.evaluator import Evaluator
from i2i.evaluation.results import Comparison, Evaluation, Figure, Measured, Subject
from i2i.evaluation.writing import write

__all__ = ["Comparison", "Evaluation", "Evaluator", "Figure", "Measured", "Subject", "write"]
