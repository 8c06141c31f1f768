"""Datasets as the doctor opens them: as training would with the same options."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from i2i.data.dataset import Pairs, declared_ranges
from i2i.data.tables import datafiles
from i2i.data.tables.ab import limit_of
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import Columns, choose
from i2i.data.tables.table import Table
from i2i.images import Header, Limit, Picture, Range
from i2i.options import options_of, validate
from i2i.splits import our_name


class Opened(NamedTuple):
    """A dataset, and how training reads it."""

    root: str
    options: Mapping[str, Any]
    """Those of the dataset ``pairs`` that were given."""
    tables: Mapping[str, Table]
    """Split, by its name among ours -> its images in the ranges that are declared; train, val and test come first."""
    sides: Columns
    """Which columns are source and target; no source where training computes it from the target."""

    def side_of(self, column: str) -> str:
        """Return ``source`` or ``target``: where training reads a column."""
        return "source" if column in self.sides.source else "target"


def open_as_training(root: str, options: Mapping[str, Any]) -> Opened:
    """Open every split of a dataset.

    Args:
        root: What `i2i train` reads.
        options: Those of the dataset ``pairs`` that are not as by default.

    Raises:
        UsageError: If there is no such option or column, or its value is wrong.
        MissingInputError: If there is no dataset.
        DataError: If its layout is not recognised, or a split cannot be read.
    """
    said: Any = validate(options_of(Pairs), options, "dataset 'pairs'")
    if said.streaming:
        said = said.model_copy(update={"layout": datafiles.streamed_layout(root, said.layout)})
    named = (*said.source, *said.target)
    names = [our_name(split) for split in splits_of(root, said.layout, named)]
    if said.val_share is not None and "train" in names:
        names.insert(1, "val")
    tables: dict[str, Table] = {
        split: open_table(root, split, said.layout, named, said.match, said.val_share) for split in dict.fromkeys(names)
    }
    columns, lab = next(iter(tables.values())).columns, said.colours == "lab"
    sides = choose(columns, said.source, said.target, said.direction, target_alone=lab)
    ranges: dict[str, Range | None] = dict.fromkeys(columns)
    if said.colours == "lab" or said.source_range or said.target_range:
        ranges = {
            **declared_ranges("source", sides.source, said.source_range),
            **declared_ranges("target", sides.target, said.target_range),
        }
    limit = limit_of(root, said.max_pixels)
    tables = {split: _ReadTable(table, ranges, limit) for split, table in tables.items()}
    return Opened(root, options, tables, sides)


class _ReadTable(Table):
    """A table of the columns that training reads, in the ranges that are declared, up to the size that is allowed."""

    def __init__(self, table: Table, ranges: Mapping[str, Range | None], limit: Limit) -> None:
        columns = [column for column in table.columns if column in ranges]
        super().__init__(table.layout, table.names, columns, table.problems)
        self._table, self._ranges, self._limit = table, ranges, limit

    def encoded(self, row: int, column: str) -> bytes:
        return self._table.encoded(row, column)

    def header(self, row: int, column: str) -> Header:
        return self._table.header(row, column)

    def picture(
        self, row: int, column: str, *, value_range: Range | None = None, limit: Limit | None = None
    ) -> Picture:
        declared = value_range or self._ranges.get(column)
        return self._table.picture(row, column, value_range=declared, limit=limit or self._limit)
