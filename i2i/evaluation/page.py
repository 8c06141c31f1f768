"""The page of an evaluation: its figures between floor and ceiling, and the pictures behind them."""

import math
from pathlib import Path
from typing import NamedTuple

from i2i import pages
from i2i.evaluation.gallery import Album, shown_of
from i2i.evaluation.heads import Head, has_interval, heads_of, name_of
from i2i.evaluation.maps import Scale
from i2i.evaluation.results import Comparison, Evaluation, Subject
from i2i.system.files import make_folder, write_atomically

MARGIN = 0.04
"""Of an axis, free at either end."""
LEGEND = (8, 128)  # height and width, pixels
LEAST_P = 0.001
REGION = "["  # is in the names of figures of a region


class Bar(NamedTuple):
    """A value and its interval, in percent of an axis."""

    value: float
    left: float
    width: float


class Axis(NamedTuple):
    """A stretch of numbers to draw on."""

    low: float
    high: float

    def bar(self, value: float, low: float, high: float) -> Bar:
        """Place a value; where it has no interval that is as wide as the value itself."""
        low, high = (end if math.isfinite(end) else value for end in (low, high))
        return Bar(self._at(value), self._at(low), self._at(high) - self._at(low))

    def _at(self, value: float) -> float:
        length = self.high - self.low
        return 100 * (MARGIN + (1 - 2 * MARGIN) * (value - self.low) / length) if length else 50.0


class Compared(NamedTuple):
    """A comparison, to draw."""

    comparison: Comparison
    head: Head
    bar: Bar
    zero: float
    """Where no difference is, in percent."""
    better: str
    """Name of the better model; empty where that cannot be told."""


def write_page(evaluation: Evaluation, pictures: Album, folder: Path) -> Path:
    """Write ``index.html`` into a folder; returns where the page is.

    Raises:
        OutputError: If it cannot be written.
    """
    make_folder(folder)
    heads = heads_of(evaluation)
    models = evaluation.models
    data = pages.render(
        __package__,
        "page.html.j2",
        e=evaluation,
        name=name_of(evaluation),
        heads=heads,
        regions=[head for head in heads if REGION in head.name],
        models=models,
        references=[subject for subject in evaluation.subjects if not subject.is_model],
        colours={model.name: f"m{place % 6}" for place, model in enumerate(models)},
        sorted_rows=lambda head: _sorted_rows(evaluation, head),
        compared=[each for head in heads for each in _compared(evaluation, head)],
        shown=shown_of(evaluation, pictures),
        legend=_legend,
        has_interval=has_interval,
        spread_of=lambda name: _spread_of(evaluation, name),
        probability=_probability,
    )
    page = folder / "index.html"
    write_atomically(page, data)
    return page


def _sorted_rows(evaluation: Evaluation, head: Head) -> list[tuple[Subject, Bar]]:
    """Return who has a value of this figure, the best first, models among references."""
    found = [subject for subject in evaluation.subjects if head.name in subject.figures]
    found = [subject for subject in found if math.isfinite(subject.figures[head.name].value)]
    found.sort(key=lambda subject: subject.figures[head.name].value, reverse=head.measured.higher_is_better)
    axis = Axis(head.low, head.high)
    figures = [(subject, subject.figures[head.name]) for subject in found]
    return [(subject, axis.bar(figure.value, figure.low, figure.high)) for subject, figure in figures]


def _compared(evaluation: Evaluation, head: Head) -> list[Compared]:
    """Return the comparisons by one figure, on one axis that has a zero."""
    alike = [each for each in evaluation.comparisons if each.figure == head.name]
    ends = [0.0, *(end for each in alike for end in (each.difference, each.low, each.high) if math.isfinite(end))]
    axis = Axis(min(ends), max(ends))
    zero = axis.bar(0, 0, 0).value
    bars = [axis.bar(each.difference, each.low, each.high) for each in alike]
    return [Compared(each, head, bar, zero, _better(each, head)) for each, bar in zip(alike, bars, strict=True)]


def _better(comparison: Comparison, head: Head) -> str:
    if not comparison.is_told:
        return ""
    return comparison.first if (comparison.low > 0) == head.measured.higher_is_better else comparison.second


def _legend(scale: Scale) -> str:
    return pages.address(scale.legend(*LEGEND))


def _spread_of(evaluation: Evaluation, name: str) -> str:
    """Return what a figure is of, and its intervals, in words."""
    figures = [subject.figures[name] for subject in evaluation.subjects if name in subject.figures]
    counts = sorted({figure.count for figure in figures})
    items = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    spreads = [spread for spread in dict.fromkeys(figure.spread for figure in figures) if spread != "none"]
    return f"{items} items, {' and '.join(spreads) or 'no interval'}"


def _probability(p: float | None) -> str:
    if p is None:
        return "–"
    return f"below {LEAST_P}" if p < LEAST_P else f"{p:.3f}"
