"""Counting the cases of a diagnosis, and describing the first of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_doctor.diagnosis import EXAMPLES, Example
from i2i_doctor.facts import Facts, Place, SplitFacts

Known = Mapping[str, SplitFacts]
"""Split -> what is known of it."""

Row = tuple[SplitFacts, int]


class Cases(NamedTuple):
    """How many there are, and the first of them."""

    total: int
    examples: Sequence[Example]


def cases_of(rows: Sequence[Row], text: Callable[[SplitFacts, int], str]) -> Cases:
    """Pairs as cases, each shown with all its images."""
    return Cases(len(rows), [Example(text(*row), places(*row)) for row in rows[:EXAMPLES]])


def listed(examples: Sequence[Example]) -> Cases:
    """Examples as cases."""
    return Cases(len(examples), examples[:EXAMPLES])


def rows_where(facts: SplitFacts, mask: NDArray[Any]) -> list[Row]:
    """The rows of a split of which something is true."""
    return [(facts, row) for row in np.flatnonzero(mask).tolist()]


def places(facts: SplitFacts, row: int) -> tuple[Place, ...]:
    """The images of a row that could be read."""
    return tuple(Place(facts.split, row, c) for c in facts.columns if facts.facts[c]["read"][row])


def row_name(facts: SplitFacts, row: int) -> str:
    """Such as ``train/0001``."""
    return f"{facts.split}/{facts.names[row]}"


def things(count: int, one: str, several: str = "") -> str:
    """Such as ``1 image`` and ``1,200 images``."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def are(count: int) -> str:
    """The verb that fits."""
    return "is" if count == 1 else "are"


def hold(count: int) -> str:
    """The verb that fits."""
    return "holds" if count == 1 else "hold"


class Images:
    """Images of a column that could be read, over all splits.

    Args:
        parts: Facts of each split, and the column.
    """

    def __init__(self, parts: Iterable[tuple[SplitFacts, str]]) -> None:
        self._parts = list(parts)
        read = [np.flatnonzero(facts.facts[column]["read"]) for facts, column in self._parts]
        self.facts: Facts = np.concatenate([f.facts[c][rows] for (f, c), rows in zip(self._parts, read, strict=True)])
        self._origins = np.concatenate([np.stack([np.full_like(rows, n), rows], 1) for n, rows in enumerate(read)])

    def only(self, mask: NDArray[Any]) -> "Images":
        """Those of which something is true."""
        chosen = copy(self)
        chosen.facts, chosen._origins = self.facts[mask], self._origins[mask]
        return chosen

    def counts(self, name: str) -> dict[int, int]:
        """Value of a field -> how many images have it."""
        found, numbers = np.unique(self.facts[name], return_counts=True)
        return dict(zip(found.tolist(), numbers.tolist(), strict=True))

    def rows(self, places: NDArray[Any] | Sequence[int]) -> list[Row]:
        """Where images are, by their places among these."""
        return [(self._parts[part][0], row) for part, row in self._origins[places].tolist()]

    def where(self, mask: NDArray[Any]) -> Cases:
        """The images of which something is true."""
        chosen = np.flatnonzero(mask)
        return Cases(len(chosen), [self._example(place) for place in chosen[:EXAMPLES].tolist()])

    def all(self) -> Cases:
        """All of them."""
        return self.where(np.ones(len(self.facts), bool))

    def _example(self, place: int) -> Example:
        part, row = self._origins[place].tolist()
        facts, column = self._parts[part]
        entry = self.facts[place]
        return Example(
            f"{row_name(facts, row)}, {entry['width']}x{entry['height']}", (Place(facts.split, row, column),)
        )


def columns_of(known: Known) -> list[str]:
    """The columns of all splits."""
    return list(dict.fromkeys(column for facts in known.values() for column in facts.columns))


def by_column(known: Known) -> dict[str, Images]:
    """The images of each column that has any."""
    images = {c: Images([(f, c) for f in known.values() if c in f.facts]) for c in columns_of(known)}
    return {column: some for column, some in images.items() if len(some.facts)}
