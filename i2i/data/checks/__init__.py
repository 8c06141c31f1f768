"""The dataset doctor: what is in a dataset, what is wrong with it, and what to do about it."""

from i2i.data.checks.checking import check
from i2i.data.checks.diagnosis import SEVERITIES, Diagnosis, Example, Severity
from i2i.data.checks.examination import Examination
from i2i.data.checks.page import write_page
from i2i.data.checks.sheet import sheet_of
from i2i.data.checks.statistics import Statistics, statistics_of

__all__ = [
    "SEVERITIES",
    "Diagnosis",
    "Examination",
    "Example",
    "Severity",
    "Statistics",
    "check",
    "sheet_of",
    "statistics_of",
    "write_page",
]
