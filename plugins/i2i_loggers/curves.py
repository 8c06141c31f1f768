"""Curves of a run, out of its ``metrics.jsonl``, in so many points that they can be drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from i2i import safe_json

BINS = 320
"""Points of a curve, at most."""
SMOOTHED = 20
"""Part of a curve that is averaged to smooth it, as one in so many."""


class Point(NamedTuple):
    """A bin, to draw."""

    step: float
    """The middle of its steps."""
    mean: float
    low: float
    high: float
    smooth: float
    """Mean of the bins around it, weighted by their steps; as many before it as after it."""


class Curve:
    """Values of one name, in bins of equally many steps: the same ones whatever was added first."""

    def __init__(self) -> None:
        self.width = 1
        self._bins: dict[int, list[float]] = {}  # place -> count, sum, least and largest of its values

    def add(self, step: int, value: float) -> None:
        """Add the value of a step, which counts from 1."""
        _join(self._bins, (step - 1) // self.width, 1, value, value, value)
        while len(self._bins) > BINS:
            halved: dict[int, list[float]] = {}
            for place, own in self._bins.items():
                _join(halved, place // 2, *own)
            self.width, self._bins = 2 * self.width, halved

    @property
    def points(self) -> list[Point]:
        """Return its points, by step."""
        places = sorted(self._bins)
        bins = [self._bins[place] for place in places]
        reach = len(bins) // (2 * SMOOTHED)
        points = []
        for number, (place, own) in enumerate(zip(places, bins, strict=True)):
            near = min(reach, number, len(bins) - 1 - number)
            around = bins[number - near : number + near + 1]
            smooth = sum(each[1] for each in around) / sum(each[0] for each in around)
            count, total, low, high = own
            points.append(Point(place * self.width + (self.width + 1) / 2, total / count, low, high, smooth))
        return points

    @property
    def smoothed_over(self) -> int:
        """Return over how many steps its points are averaged."""
        return self.width * (2 * (len(self._bins) // (2 * SMOOTHED)) + 1)


def _join(bins: dict[int, list[float]], place: int, count: float, total: float, low: float, high: float) -> None:
    """Add values to a bin; a long log has half a million of them."""
    if (own := bins.get(place)) is None:
        bins[place] = [count, total, low, high]
        return
    own[0] += count
    own[1] += total
    if low < own[2]:
        own[2] = low
    if high > own[3]:
        own[3] = high


class History:
    """What a ``metrics.jsonl`` says, read on from where it was read last.

    Args:
        path: The file, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        self.curves: dict[str, Curve] = {}
        self.validations: dict[int, dict[str, float | None]] = {}
        """Figures by step."""
        self.step = 0
        """The newest step."""

    def update(self) -> None:
        """Read what is new."""
        for row in self._rows():
            step = row.pop("step")
            if (figures := row.get("validation")) is not None:
                self.validations[step] = figures
                continue
            self.step = step
            for name, value in row.items():
                if value is not None and name != "epoch":
                    self.curves.setdefault(name, Curve()).add(step, value)

    def _rows(self) -> Iterator[dict[str, Any]]:
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # the rest of it is still to come
                self._read += len(line)
                yield safe_json.load(line)
