"""How the figures of an evaluation are written, in tables and on pages: order, digits, and which model is best."""

import math
import re
from typing import NamedTuple

from i2i.evaluation.results import Evaluation, Figure, Measured

DIGITS = 4
"""A number is written with so many significant digits at most, the largest of its column."""
DIGITS_ALONE = 3  # where there is no interval to say how many are worth reading


class Head(NamedTuple):
    """What stands above a column of figures, one of each subject, and decides how they are written."""

    name: str
    measured: Measured
    places: int
    """Behind the point: enough to see the narrowest interval, as far as `DIGITS` allows."""
    low: float
    high: float
    """The least and the greatest of all values and ends of intervals, of models and references."""
    best: str
    """Name of the model of rank 1; empty where there are no two to rank."""
    equals: frozenset[str]
    """Models that cannot be told apart from the best."""

    @property
    def arrow(self) -> str:
        """Return where better figures are."""
        return "↑" if self.measured.higher_is_better else "↓"

    def number(self, value: float | None) -> str:
        """Write a value of this column, or a difference of two."""
        return "–" if value is None or not math.isfinite(value) else f"{value:z.{self.places}f}"

    def half(self, figure: Figure) -> str:
        """Write half the width of a figure's interval; empty where it has none."""
        return self.number((figure.high - figure.low) / 2) if has_interval(figure) else ""


def heads_of(evaluation: Evaluation) -> list[Head]:
    """Return a head for each figure that was measured."""
    return [_head(evaluation, measured) for measured in evaluation.measured]


def name_of(evaluation: Evaluation) -> str:
    """Return what to call the data: of a path its last part."""
    return re.split(r"[/\\]", evaluation.data.rstrip("/\\"))[-1] or evaluation.data


def has_interval(figure: Figure) -> bool:
    """Return whether a figure says how far it can be relied on."""
    return figure.spread != "none" and math.isfinite(figure.low) and math.isfinite(figure.high)


def _head(evaluation: Evaluation, measured: Measured) -> Head:
    name = measured.name
    found = [subject.figures[name] for subject in evaluation.subjects if name in subject.figures]
    found = [figure for figure in found if math.isfinite(figure.value)]
    ends = [end for f in found for end in (f.value, f.low, f.high) if math.isfinite(end)] or [0.0]
    ranked = [model for model in evaluation.models if name in model.rank]
    best = min(ranked, key=lambda model: model.rank[name]).name if len(ranked) > 1 else ""
    return Head(name, measured, _places(found), min(ends), max(ends), best, _equals(evaluation, name, best))


def _equals(evaluation: Evaluation, figure: str, best: str) -> frozenset[str]:
    compared = [each for each in evaluation.comparisons if each.figure == figure and best in (each.first, each.second)]
    return frozenset(each.second if each.first == best else each.first for each in compared if not each.is_told)


def _places(figures: list[Figure]) -> int:
    """Return how many places behind the point the figures of a column have."""
    largest = max((abs(figure.value) for figure in figures), default=0.0)
    whole = math.floor(math.log10(largest)) + 1 if largest else 1  # digits before the point; of 0.001 there are -2
    halves = [(figure.high - figure.low) / 2 for figure in figures if has_interval(figure)]
    halves = [half for half in halves if half > 0]
    if not halves:
        return max(0, DIGITS_ALONE - whole)
    return max(0, min(DIGITS - whole, -math.floor(math.log10(min(halves)))))
