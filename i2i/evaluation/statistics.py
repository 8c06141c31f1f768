"""Spread of figures and differences: bootstrap, random halves, sign flips. All draws are fixed by a seed."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000
HALVES = 20
FLIPS = 10_000
Z95 = 1.959963984540054
"""Standard deviations that 95 % of a normal distribution lie within."""


class Interval(NamedTuple):
    """Where 95 % of figures lie, of each figure of a set."""

    low: Floats
    high: Floats


@cache
def resamples(count: int, seed: int = 0, *, times: int = RESAMPLES) -> NDArray[np.int64]:
    """Draw items with replacement, as many as there are, several times (Efron 1979).

    Args:
        count: How many items there are.
        seed: Of the draws.
        times: How often.

    Returns:
        Indices, (times, count).
    """
    return np.random.default_rng([seed, count]).integers(0, count, (times, count))


@cache
def halves(count: int, seed: int = 0, *, times: int = HALVES) -> NDArray[np.int64]:
    """Draw half of the items without replacement, several times: for figures that items drawn twice would distort.

    Returns:
        Indices, (times, count // 2).
    """
    rng = np.random.default_rng([seed, count])
    return np.stack([rng.permutation(count)[: count // 2] for _ in range(times)])


def percentiles(figures: Sequence[Floats]) -> Interval:
    """Return the interval of figures of `resamples`: from their 2.5th to their 97.5th percentile.

    Args:
        figures: Of each draw, all figures (F,).

    Returns:
        Low and high of each figure, (F,); NaN where one of the draws has none.
    """
    low, high = np.percentile(np.stack(figures), (2.5, 97.5), axis=0)
    return Interval(low, high)


def around(values: Floats, figures: Sequence[Floats]) -> Interval:
    """Return the interval of figures of `halves`: 1.96 of their standard deviations around the figures of all items.

    This is the delete-d jackknife (Shao and Wu 1989) with d = n/2, whose factor (n - d)/d is 1: the deviation of random
    halves estimates that of the figure of all items.
    """
    deviation = np.std(np.stack(figures), axis=0, ddof=1)
    return Interval(values - Z95 * deviation, values + Z95 * deviation)


def sign_flip(differences: Floats, seed: int = 0, *, times: int = FLIPS) -> float:
    """Test whether paired differences have a mean of 0, two-sided; returns p, at least 1/(times + 1).

    Under that hypothesis each difference may as well have the other sign (Fisher 1935, section 21): p is the part of
    random signs under which the mean is at least as far from 0 as it is.

    Args:
        differences: One an item, (N,); those that are NaN are left out.
        seed: Of the signs.
        times: How many.
    """
    known = differences[~np.isnan(differences)]
    if not known.size:
        return float("nan")
    signs = np.random.default_rng([seed, known.size]).integers(0, 2, (times, known.size), np.int8) * 2 - 1
    flipped, observed = np.abs(signs @ known), abs(known.sum())
    return float((1 + np.count_nonzero(flipped >= observed * (1 - 1e-12))) / (1 + times))
