"""Exact statistics of all values of a dataset, one image in memory at a time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from math import fsum, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.data.tables.table import Table
from i2i.errors import DataError, MissingInputError, MissingSplitError
from i2i.images.colour import luma
from i2i.pairs import Pixels, range_of
from i2i.system import pool
from i2i.system.devices import available_cpus
from i2i_doctor.measuring import Progress
from i2i_doctor.opening import Subject

DARK, LIGHT = 0.5, 0.9  # of the range of brightness
COLOURED = 0.1  # of the range, between the largest and the smallest channel of a pixel

Number = int | float


class Sums(NamedTuple):
    """What is added up of one image."""

    dtype: str
    height: int
    width: int
    low: Sequence[Number]
    """One a channel, as all that follow."""
    high: Sequence[Number]
    total: Sequence[Number]
    squares: Sequence[Number]
    dark: int
    """Pixels; as the two that follow."""
    light: int
    coloured: int


@dataclass
class Statistics:
    """All images of a column that have one type and number of channels."""

    column: str
    dtype: str
    channels: int
    _sums: list[Sums] = field(default_factory=list, repr=False)

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self._sums)

    @property
    def pixels(self) -> int:
        """How many they have together."""
        return sum(sums.height * sums.width for sums in self._sums)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data; values are in units of the type, shares lie in 0..1."""
        heights, widths = [s.height for s in self._sums], [s.width for s in self._sums]
        channels = [self._channel(number) for number in range(self.channels)]
        return {
            "column": self.column,
            "dtype": self.dtype,
            "channels": self.channels,
            "images": self.images,
            "pixels": self.pixels,
            "height": [min(heights), max(heights)],
            "width": [min(widths), max(widths)],
            "values": channels,
            "dark": sum(s.dark for s in self._sums) / self.pixels,
            "light": sum(s.light for s in self._sums) / self.pixels,
            "coloured": sum(s.coloured for s in self._sums) / self.pixels,
        }

    def add(self, sums: Sums) -> None:
        """Count one image."""
        self._sums.append(sums)

    def _channel(self, number: int) -> dict[str, Number]:
        n = self.pixels
        total, squares = (_sum([getattr(s, name)[number] for s in self._sums]) for name in ("total", "squares"))
        variance = (n * squares - total * total) / (n * n)  # without rounding where values are whole numbers
        return {
            "min": min(s.low[number] for s in self._sums),
            "max": max(s.high[number] for s in self._sums),
            "mean": total / n,
            "std": sqrt(max(variance, 0.0)),
        }


def _sum(values: Sequence[Number]) -> Number:
    return sum(values) if isinstance(values[0], int) else fsum(values)


def sums_of(pixels: Pixels) -> Sums:
    """What is added up of one image, (H, W, C); exact for whole numbers."""
    height, width, channels = pixels.shape
    flat = pixels.reshape(-1, channels)
    whole = pixels.dtype != np.float32
    wide = flat.astype(np.uint64 if whole else np.float64)
    gray = luma(pixels)
    low, high = range_of(pixels.dtype)
    spread = flat.max(axis=1).astype(np.float64) - flat.min(axis=1)
    return Sums(
        str(pixels.dtype),
        height,
        width,
        flat.min(axis=0).tolist(),
        flat.max(axis=0).tolist(),
        wide.sum(axis=0).tolist(),
        (wide * wide).sum(axis=0).tolist(),
        _count(gray < DARK),
        _count(gray >= LIGHT),
        _count(spread > COLOURED * (high - low)),
    )


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


Task = tuple[str, int]
"""A split, and a row."""


def build(tables: Mapping[str, Table]) -> Callable[[Task], dict[str, Sums | str]]:
    """What a worker does: the sums of each image of a row, or why it cannot be read."""
    import cv2

    cv2.setNumThreads(1)
    return partial(_measured, tables)


def _measured(tables: Mapping[str, Table], task: Task) -> dict[str, Sums | str]:
    split, row = task
    table, done = tables[split], dict[str, Sums | str]()
    for column in table.columns:
        try:
            done[column] = sums_of(table.picture(row, column).pixels)
        except (DataError, MissingInputError) as error:
            done[column] = str(error)
    return done


def statistics_of(
    dataset: str | Path,
    *,
    split: str | None = None,
    options: Mapping[str, Any] = {},
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> list[Statistics]:
    """Statistics of a dataset: one entry for each column, type and number of channels.

    Args:
        dataset: A folder or whatever else `i2i train` reads.
        split: Only this one; all when not given.
        options: Those of the dataset ``pairs``, as training would be given them.
        workers: How many processes; as many as there are cores when not given.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset, or no such split.
        DataError: If it is not recognised, holds nothing, or an image cannot be read.
    """
    tables: Mapping[str, Table] = Subject(str(dataset), options).splits()
    if split is not None:
        if split not in tables:
            raise MissingSplitError(f"{dataset} has no split {split!r}, it has {', '.join(tables)}.")
        tables = {split: tables[split]}
    tasks = [(name, row) for name, table in tables.items() for row in range(len(table.names))]
    if not tasks:
        raise DataError(f"{dataset} holds no pairs. `i2i data check` says why.")
    found: dict[tuple[str, str, int], Statistics] = {}
    processes = min(workers or available_cpus(), len(tasks))
    with closing(pool.run(build, (tables,), iter(tasks), len(tasks), processes)) as results:
        for done, ((name, row), result) in enumerate(results, 1):
            images = {"": result.message} if isinstance(result, pool.Death) else result
            for column, sums in images.items():
                if isinstance(sums, str):
                    where = f"{name}/{tables[name].names[row]}"
                    raise DataError(f"{where}: {sums} `i2i data check` names all that cannot be read.")
                key = (column, sums.dtype, len(sums.total))
                found.setdefault(key, Statistics(*key)).add(sums)
            if on_progress:
                on_progress(done, len(tasks))
    return [found[key] for key in sorted(found)]
