"""A part of a table's rows, held out where a set brings no split for that."""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Literal

from i2i.data.tables.detect import LayoutChoice, open_table, splits_of
from i2i.data.tables.table import Problem, Table
from i2i.errors import DataError, UsageError
from i2i.images import Header, Picture, Range
from i2i.pairs import Block
from i2i.splits import our_name


def open_portion(root: str, split: str, layout: LayoutChoice, columns: Sequence[str], share: float | None) -> Table:
    """As `open_table`, of a set whose split ``val`` is a share of its ``train`` where one is given.

    Raises:
        UsageError: If it has a split ``val`` of its own.
        DataError: If all rows fall to one side.
        I2iError: As for `open_table`.
    """
    if share is None or split not in ("train", "val"):
        return open_table(root, split, layout, columns)
    if own := [name for name in splits_of(root, layout, columns) if our_name(name) == "val"]:
        raise UsageError(f"{root} has a split {own[0]!r} already. Leave dataset.val_share away.")
    table = open_table(root, "train", layout, columns)
    portion = Portion(table, share, "val" if split == "val" else "train")
    if table.names and not portion.names:
        said, other = ("none", "larger") if split == "val" else ("all of them", "smaller")
        raise DataError(
            f"dataset.val_share: {share:g} of the {len(table.names)} pairs of {root}, drawn by their names, is {said}. "
            f"Try a {other} share."
        )
    return portion


def keys_of(table: Table) -> Sequence[str]:
    """What the rows of a table are drawn by: their names, or its attribute ``keys`` where names depend on other rows.

    Rows with the same key fall to the same side.
    """
    keys: Sequence[str] = getattr(table, "keys", table.names)
    return keys


class Portion:
    """The rows whose keys fall to one side: the same ones everywhere, and still when rows are added to the set.

    Args:
        table: All rows.
        share: Part of them that is held out, in 0..1, about.
        side: Whether these are the rows that are held out, or the others.
    """

    def __init__(self, table: Table, share: float, side: Literal["train", "val"]) -> None:
        self._table = table
        self._rows = [row for row, key in enumerate(keys_of(table)) if (_draw(key) < share) == (side == "val")]
        self.layout = f"{table.layout}, {share:g} of it held out"
        self.columns: Sequence[str] = table.columns
        self.names: Sequence[str] = [table.names[row] for row in self._rows]
        self.problems: Sequence[Problem] = table.problems
        self.blocks = list(self._blocks(getattr(table, "blocks", ())))

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file; see `Table`."""
        return self._table.encoded(self._rows[row], column)

    def header(self, row: int, column: str) -> Header:
        """What the image's file says about it; see `Table`."""
        return self._table.header(self._rows[row], column)

    def picture(self, row: int, column: str, *, value_range: Range | None = None) -> Picture:
        """The decoded image; see `Table`."""
        return self._table.picture(self._rows[row], column, value_range=value_range)

    def _blocks(self, whole: Sequence[Block]) -> Sequence[Block]:
        """Those of the table, each with the rows that are left of it."""
        starts = [bisect_left(self._rows, first) for first in accumulate((b.pairs for b in whole), initial=0)]
        return [block._replace(pairs=end - start) for block, (start, end) in zip(whole, pairwise(starts), strict=True)]


def _draw(key: str) -> float:
    """A number in 0..1 that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
