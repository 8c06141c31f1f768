"""Some rows of a table: those of one split, where rows say theirs, or those that a share leaves."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TypeGuard

from i2i.data.tables.names import refuse_hidden_splits, split_column
from i2i.data.tables.table import LIMIT, Problem, Table
from i2i.errors import DataError
from i2i.images import Header, Limit, Picture, Range
from i2i.pairs import Block
from i2i.splits import our_name


def keys_of(table: Table) -> Sequence[str]:
    """What the rows of a table are drawn by: their names, or its attribute ``keys`` where names depend on other rows.

    Rows with the same key fall to the same side.
    """
    keys: Sequence[str] = getattr(table, "keys", table.names)
    return keys


class Part:
    """Some rows of a table, as a table.

    Args:
        table: All rows.
        rows: Which of them, in ascending order.
        layout: See `Table`.
    """

    def __init__(self, table: Table, rows: Sequence[int], layout: str) -> None:
        self._table, self._rows, self.layout = table, rows, layout
        self.columns: Sequence[str] = table.columns
        self.names: Sequence[str] = [table.names[row] for row in rows]
        self.problems: Sequence[Problem] = table.problems
        keys = keys_of(table)
        self.keys: Sequence[str] = [keys[row] for row in rows]
        self.blocks = list(self._blocks(getattr(table, "blocks", ())))

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file; see `Table`."""
        return self._table.encoded(self._rows[row], column)

    def header(self, row: int, column: str) -> Header:
        """What the image's file says about it; see `Table`."""
        return self._table.header(self._rows[row], column)

    def picture(self, row: int, column: str, *, value_range: Range | None = None, limit: Limit = LIMIT) -> Picture:
        """The decoded image; see `Table`."""
        return self._table.picture(self._rows[row], column, value_range=value_range, limit=limit)

    def _blocks(self, whole: Sequence[Block]) -> Sequence[Block]:
        """Those of the table, each with the rows that are left of it."""
        starts = [bisect_left(self._rows, first) for first in accumulate((b.pairs for b in whole), initial=0)]
        return [block._replace(pairs=end - start) for block, (start, end) in zip(whole, pairwise(starts), strict=True)]


def splits_said(said: Mapping[str, Sequence[object]]) -> list[str]:
    """The different splits that a column says; empty ones are for `of_split` to refuse."""
    return sorted({value.strip() for values in said.values() for value in values if is_said(value)})


def of_split(table: Table, said: Mapping[str, Sequence[object]], split: str, where: str, *, alone: bool) -> Table:
    """The rows of a split, of a table whose rows may say theirs in a column.

    Args:
        table: All rows.
        said: That column and what it says of each row; or others that may hold names of splits, which is refused.
        split: The split that is wanted.
        where: The table, for errors.
        alone: Whether this is all there is. Else all its rows are of the wanted split by where they lie.

    Raises:
        DataError: If a row says none, or another than its file, or all do in a column of another name.
    """
    column = split_column(tuple(said))
    if column is None and alone:
        refuse_hidden_splits(where, said, split)
    if column is None:
        return table
    rows = []
    for row, value in enumerate(said[column]):
        if not is_said(value):
            raise DataError(f"{table.names[row]} in {where} has no {column!r}. Write train, val or test.")
        if our_name(value.strip()) == our_name(split):
            rows.append(row)
        elif not alone:
            raise DataError(
                f"{table.names[row]} in {where} is {value!r} by its column {column!r}, and {split!r} by where it lies. "
                "Correct the column, or rename it."
            )
    return table if len(rows) == len(table.names) else Part(table, rows, f"{table.layout}, by its column {column!r}")


def is_said(value: object) -> TypeGuard[str]:
    """Whether a value can be the name of a split."""
    return isinstance(value, str) and bool(value.strip())
