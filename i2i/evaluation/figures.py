"""Figures of what was seen: values, intervals, ranks, and comparisons of models."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from torch import Tensor

from i2i.evaluation.columns import Column
from i2i.evaluation.results import Comparison, Figure, Spread
from i2i.evaluation.statistics import Floats, around, halves, percentiles, resamples, sign_flip

FEWEST = 4
"""Items of which a figure of sets has an interval: halves of fewer are no sets."""


class Outcome:
    """The figures of one maker in one column, with those of redrawn items.

    Args:
        column: What was measured.
        seen: Of each item.
    """

    def __init__(self, column: Column, seen: Tensor) -> None:
        self.column, self.count = column, len(seen)
        whole = column.figures(seen)
        self.names, self.values = list(whole), np.array(list(whole.values()), np.float64)
        self.items = None if column.measure.of_sets else seen.double().numpy()
        self.spread: Spread = "bootstrap" if column.measure.of_pairs else "subsets"
        if self.count < (2 if column.measure.of_pairs else FEWEST):
            self.spread, self.redrawn = "none", [self.values]
        elif self.items is not None:
            self.redrawn = _means(self.items)
        else:
            draws = resamples(self.count) if column.measure.of_pairs else halves(self.count)
            self.redrawn = [np.array(list(column.figures(seen[draw]).values()), np.float64) for draw in draws]

    def interval(self, less: "Outcome | None" = None) -> tuple[Floats, Floats]:
        """Return low and high of each figure, or of each less another's, which are of the same items."""
        values = self.values if less is None else self.values - less.values
        redrawn = self.redrawn
        if less is not None:
            redrawn = [mine - others for mine, others in zip(self.redrawn, less.redrawn, strict=True)]
        if self.spread == "none":
            return values, values
        return percentiles(redrawn) if self.spread == "bootstrap" else around(values, redrawn)

    def figures(self) -> dict[str, Figure]:
        """Return the figures by name; those that are not numbers are left out."""
        low, high = self.interval()
        rows = zip(self.names, self.values, low, high, strict=True)
        return {
            name: Figure(value=value, low=least, high=most, spread=self.spread, count=self.count)
            for name, value, least, most in rows
            if np.isfinite(value)
        }


def _means(items: Floats) -> list[Floats]:
    """Return the mean of each resample, of the items that have a figure."""
    drawn = items[resamples(len(items))]
    known = ~np.isnan(drawn)
    with np.errstate(invalid="ignore"):
        means = np.where(known, drawn, 0).sum(1) / known.sum(1)
    return [np.array([mean]) for mean in means]


def compare(first: str, second: str, one: Outcome, other: Outcome) -> list[Comparison]:
    """Compare two models in a column, over the same items."""
    low, high = one.interval(other)
    p = None if one.items is None or other.items is None else sign_flip(one.items - other.items)
    rows = zip(one.names, one.values - other.values, low, high, strict=True)
    return [
        Comparison(figure=name, first=first, second=second, difference=difference, low=least, high=most, p=p)
        for name, difference, least, most in rows
        if np.isfinite([difference, least, most]).all()
    ]


def comparisons(outcomes: Mapping[str, Mapping[Column, Outcome]], columns: Sequence[Column]) -> list[Comparison]:
    """Compare each model with each other one.

    Args:
        outcomes: By the name of the model.
        columns: What they may have been measured by.
    """
    return [
        comparison
        for first, second in combinations(outcomes, 2)
        for column in columns
        if column in outcomes[first] and column in outcomes[second]
        for comparison in compare(first, second, outcomes[first][column], outcomes[second][column])
    ]


def ranks(figures: Mapping[str, Mapping[str, Figure]], higher: Mapping[str, bool]) -> dict[str, dict[str, int]]:
    """Rank models by each figure, the best one first; equal ones share a rank.

    Args:
        figures: By model, then by name.
        higher: By name, whether more is better.
    """
    ranked: dict[str, dict[str, int]] = {model: {} for model in figures}
    for name, more in higher.items():
        values = {model: own[name].value for model, own in figures.items() if name in own}
        for model, value in values.items():
            better = sum(other > value if more else other < value for other in values.values())
            ranked[model][name] = better + 1
    return ranked
