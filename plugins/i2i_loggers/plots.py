"""Curves as they are drawn: paths in a box of 100 by 100, and the labels of its axes."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from i2i_loggers.curves import Curve

TICKS = 4
"""Numbers at an axis, about."""
OUTLYING = 0.01
"""Part of the raw values at either end that may leave the box, so that one peak does not flatten all else."""


class Tick(NamedTuple):
    """A label at an axis."""

    place: float
    """In percent, from the left or from the top."""
    label: str


class Plot(NamedTuple):
    """A curve, to draw."""

    title: str
    now: str
    """The newest value, smoothed where it is one of many."""
    note: str
    band: str
    """Path around the raw values; empty where each is a point of its own."""
    raw: str
    smooth: str
    dots: Sequence[tuple[float, float]]
    across: Sequence[Tick]
    up: Sequence[Tick]


class Axis(NamedTuple):
    """A stretch of numbers."""

    low: float
    high: float

    def part(self, value: float) -> float:
        """Return where a value is, 0 at the low end and 100 at the high one."""
        return 100 * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round numbers within."""
        step = _round((self.high - self.low) / TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [place * step for place in range(first, math.floor(self.high / step + 1e-9) + 1)]


def loss_plot(name: str, curve: Curve, last: int) -> Plot:
    """Return the plot of a loss over steps 0 to ``last``, smoothed and as it was."""
    points = curve.points
    ends = _inner([each.low for each in points], [each.high for each in points])
    axis = _around([*ends, points[-1].smooth])
    across = Axis(0, max(last, 1))
    lows = [(each.step, each.low) for each in points]
    highs = [(each.step, each.high) for each in points]
    band = _path([*highs, *reversed(lows)], across, axis) + "Z" if curve.width > 1 else ""
    raw = "" if band else _path([(each.step, each.mean) for each in points], across, axis)
    over = curve.smoothed_over
    return Plot(
        title=name,
        now=number(points[-1].smooth),
        note=f"smoothed over {over:,} steps" if over > 1 else "",
        band=band,
        raw=raw,
        smooth=_path([(each.step, each.smooth) for each in points], across, axis),
        dots=(),
        **_labels(across, axis),
    )


def rate_plot(name: str, curve: Curve, last: int) -> Plot:
    """Return the plot of a learning rate over steps 0 to ``last``."""
    rates = [(point.step, point.mean) for point in curve.points]
    axis, across = _around([rate for _, rate in rates]), Axis(0, max(last, 1))
    smooth = _path(rates, across, axis)
    return Plot(name, number(rates[-1][1]), "", band="", raw="", smooth=smooth, dots=(), **_labels(across, axis))


def figure_plot(name: str, figures: Mapping[int, float], last: int) -> Plot:
    """Return the plot of a figure that was measured after some steps."""
    axis, across = _around(list(figures.values())), Axis(0, max(last, 1))
    return Plot(
        title=name,
        now=number(list(figures.values())[-1]),
        note=f"at step {list(figures)[-1]:,}",
        band="",
        raw="",
        smooth=_path(list(figures.items()), across, axis),
        dots=[(across.part(step), 100 - axis.part(value)) for step, value in figures.items()],
        **_labels(across, axis),
    )


def number(value: float) -> str:
    """Write a value in about four digits.

    Example:
        >>> [number(value) for value in (0.000213, 0.5, 12.3456, 40000.0)]
        ['0.000213', '0.5', '12.35', '4e+04']
    """
    return f"{value:.4g}" if 0.001 <= abs(value) < 10000 else f"{value:.3g}"


def _labels(across: Axis, axis: Axis) -> dict[str, list[Tick]]:
    steps = [tick for tick in across.ticks() if tick == int(tick)]
    return {
        "across": [Tick(across.part(tick), f"{int(tick):,}") for tick in steps],
        "up": [Tick(100 - axis.part(tick), number(tick)) for tick in axis.ticks()],
    }


def _around(values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or abs(high) / 2 or 1.0
    return Axis(low - room, high + room)


def _inner(lows: list[float], highs: list[float]) -> tuple[float, float]:
    """Return the ends of the raw values but for the few that lie furthest out."""
    beyond = math.floor(OUTLYING * len(lows))
    return sorted(lows)[beyond], sorted(highs)[len(highs) - 1 - beyond]


def _round(step: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return power * min((1, 2, 5, 10), key=lambda factor: abs(math.log(factor * power / step)))


def _path(points: Sequence[tuple[float, float]], across: Axis, axis: Axis) -> str:
    places = (f"{across.part(step):.2f} {100 - axis.part(value):.2f}" for step, value in points)
    return "M" + "L".join(places)
