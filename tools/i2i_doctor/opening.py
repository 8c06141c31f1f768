"""Datasets as the doctor opens them: as training would with the same options, and label maps as numbers."""

from collections.abc import Mapping
from typing import Any

from i2i import images
from i2i.data.dataset import Pairs, declared_ranges
from i2i.data.tables import datafiles
from i2i.data.tables.detect import splits_of
from i2i.data.tables.held_out import open_portion
from i2i.data.tables.names import Columns, choose
from i2i.data.tables.table import Table
from i2i.images import Header, Picture, Range
from i2i.options import check, options_of
from i2i.pairs import Pixels
from i2i.splits import our_name


class Subject:
    """A dataset, and how training is told to read it.

    Args:
        root: What `i2i train` reads.
        options: Those of the dataset ``pairs`` that are not as by default.

    Raises:
        UsageError: If there is no such option, or its value is wrong.
        I2iError: If a set that is to be streamed cannot be found.
    """

    def __init__(self, root: str, options: Mapping[str, Any]) -> None:
        said: Any = check(options_of(Pairs), options, "dataset 'pairs'")
        if said.streaming:
            datafiles.check_streamed(root)
            said = said.model_copy(update={"layout": "datafiles"})
        self._said, self._root = said, root
        self._named = (*said.source, *said.target)

    def splits(self) -> dict[str, Table]:
        """Every split, by its name among ours: train, val and test, then others as they are called.

        Raises:
            MissingInputError: If there is no dataset.
            DataError: If its layout is not recognised, or a split cannot be read.
        """
        names = [our_name(split) for split in splits_of(self._root, self._said.layout, self._named)]
        if self._said.val_share is not None and "train" in names:
            names.insert(1, "val")
        return {split: self._split(split) for split in dict.fromkeys(names)}

    def _split(self, split: str) -> Table:
        """One split, its columns and ranges as training reads them; raises what `splits` does."""
        said = self._said
        table = open_portion(self._root, split, said.layout, self._named, said.val_share)
        if said.colours == "rgb" and said.source_range is None and said.target_range is None:
            return table
        sides = self.columns(table)
        ranges = declared_ranges("source", sides.source, said.source_range)
        return _ReadTable(table, sides, {**ranges, **declared_ranges("target", sides.target, said.target_range)})

    def columns(self, table: Table) -> Columns:
        """Source and target, see `i2i.data.tables.names.choose`; no source where it is computed from the target."""
        if isinstance(table, _ReadTable):
            return table.sides
        chosen = choose(table.columns, self._said.source, self._said.target, self._said.direction)
        return chosen._replace(source=()) if self._said.colours == "lab" else chosen


class _ReadTable:
    """A table of the columns that training reads, in the ranges that are declared."""

    def __init__(self, table: Table, sides: Columns, ranges: Mapping[str, Range | None]) -> None:
        self.sides, self._table, self._ranges = sides, table, ranges
        self.layout, self.names, self.problems = table.layout, table.names, table.problems
        self.columns = [column for column in table.columns if column in ranges]

    def encoded(self, row: int, column: str) -> bytes:
        return self._table.encoded(row, column)

    def header(self, row: int, column: str) -> Header:
        return self._table.header(row, column)

    def picture(self, row: int, column: str, *, value_range: Range | None = None) -> Picture:
        return self._table.picture(row, column, value_range=value_range or self._ranges.get(column))


def read_ids(table: Table, row: int, column: str) -> Pixels:
    """A label map as stored, (H, W, 1) ids or (H, W, 3) colours.

    Raises:
        DataError: If it cannot be read, or does not hold whole numbers.
    """
    whole = images.decode(table.encoded(row, column), table.names[row], reading="ids").pixels
    width = table.header(row, column).width
    if whole.shape[1] == width:
        return whole
    return whole[:, :width] if column == table.columns[0] else whole[:, width:]  # an A|B file
