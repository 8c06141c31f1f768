"""What is known of a dataset: a row for each pair, those of one split after those of another."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.data.tables.table import Table
from i2i.images.shift import Shift
from i2i.system import pool
from i2i_doctor.facts import BINS, FACTS, Facts, Measures

FIXED = 2**40
"""Sums are added as whole numbers of this part, so that they do not depend on the order in which workers finish."""


class Place(NamedTuple):
    """Where an image is."""

    split: str
    row: int
    column: str


class Fault(NamedTuple):
    """An image that cannot be had."""

    pair: int
    column: str
    """Empty where its worker died, on whichever image of the pair."""
    reason: str
    message: str


class Lookup(NamedTuple):
    """A pair to look at."""

    pair: int
    split: str
    row: int
    aligned: bool
    """Whether its images are held against each other."""


class Result(NamedTuple):
    """What a worker found in a pair."""

    measures: dict[str, Measures]
    """Column -> what was measured of its image."""
    faults: list[Fault]
    notes: set[str]
    turned: set[str]
    """Columns whose image was turned by its EXIF orientation."""
    used: list[int]
    """Label ids that are declared."""
    strange: list[str]
    """Label values that are not."""
    shift: Shift | None


class Sums:
    """Smallest and largest value, sum and sum of squares, of each channel over many images."""

    def __init__(self, channels: int) -> None:
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.total, self.squares = [0] * channels, [0] * channels

    def add(self, channels: NDArray[np.float64]) -> None:
        """Add one image; see `i2i_doctor.facts.Measures`."""
        self.low, self.high = np.minimum(self.low, channels[:, 0]), np.maximum(self.high, channels[:, 1])
        for number, (total, squares) in enumerate(channels[:, 2:].tolist()):
            self.total[number] += int(total * FIXED)
            self.squares[number] += int(squares * FIXED)


class Known:
    """What is known of a dataset: a row for each pair, those of one split after those of another.

    Args:
        tables: Its splits.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self.columns = list(dict.fromkeys(column for table in tables.values() for column in table.columns))
        self._starts = np.cumsum([0, *(len(table.names) for table in tables.values())]).tolist()
        self.splits = {
            split: slice(start, stop)
            for split, start, stop in zip(tables, self._starts, self._starts[1:], strict=False)
        }
        self._facts: Facts = np.zeros((len(self.columns), self._starts[-1]), FACTS)
        self.values = {column: np.zeros(BINS, np.int64) for column in self.columns}
        self.sums: dict[tuple[str, int, int], Sums] = {}
        """Column, place of the type in `DTYPES` and number of channels -> sums of such images."""
        self.faults: list[Fault] = []
        self.shifts: dict[int, Shift] = {}
        self.notes: dict[str, list[int]] = {}
        """What had to be done to images -> their pairs; see `i2i.images.Picture`."""
        self.turned: dict[int, set[str]] = {}
        """Pairs of which only some images were turned by their EXIF orientation -> the columns of these."""
        self.strange: dict[str, list[int]] = {}
        """Value of a label map that is not declared -> the pairs that hold it."""
        self.used: Counter[int] = Counter()
        """Declared label id -> how many images hold it."""
        self.looked_at = np.zeros(self._starts[-1], np.bool_)
        """Of which pairs the images were read, or tried."""

    def __len__(self) -> int:
        return int(self._starts[-1])

    def facts(self, column: str) -> Facts:
        """Return the facts of a column, an entry a pair."""
        facts: Facts = self._facts[self.columns.index(column)]
        return facts

    def locate(self, pair: int) -> tuple[str, int]:
        """Return the split of a pair, and its row there."""
        number = bisect_right(self._starts, pair) - 1
        return list(self.splits)[number], pair - self._starts[number]

    def name(self, pair: int) -> str:
        """Return a name such as ``train/0001``."""
        split, row = self.locate(pair)
        return f"{split}/{self.tables[split].names[row]}"

    def places(self, pair: int, columns: Sequence[str] = ()) -> tuple[Place, ...]:
        """Return where the images of a pair are that could be read, of all columns or of some."""
        split, row = self.locate(pair)
        return tuple(Place(split, row, c) for c in columns or self.columns if self.facts(c)["read"][pair])

    def add(self, task: Lookup, result: Result | pool.Death) -> None:
        """Take in what was found in a pair."""
        self.looked_at[task.pair] = True
        if isinstance(result, pool.Death):
            self.faults.append(Fault(task.pair, "", result.reason, result.message))
            return
        for column, measures in result.measures.items():
            entry = np.frombuffer(measures.facts, FACTS)[0]
            self.facts(column)[task.pair] = entry
            self.values[column] += np.frombuffer(measures.values, np.int64)
            key = (column, int(entry["dtype"]), int(entry["channels"]))
            self.sums.setdefault(key, Sums(key[2])).add(np.frombuffer(measures.channels).reshape(-1, 4))
        self.faults += result.faults
        if result.shift is not None:
            self.shifts[task.pair] = result.shift
        for found, where in ((result.notes, self.notes), (result.strange, self.strange)):
            for what in found:
                where.setdefault(what, []).append(task.pair)
        if 0 < len(result.turned) < len(result.measures):
            self.turned[task.pair] = result.turned
        self.used.update(result.used)

    def sort(self) -> None:
        """Bring everything into the order of the pairs, whichever worker was first."""
        self.faults.sort()
        self.turned, self.shifts = dict(sorted(self.turned.items())), dict(sorted(self.shifts.items()))
        for pairs in (*self.notes.values(), *self.strange.values()):
            pairs.sort()
