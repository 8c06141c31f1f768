"""Datasets as the doctor opens them: as training would with the same options, their pairs numbered through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

from i2i.data.dataset import Pairs, declared_ranges
from i2i.data.tables import datafiles
from i2i.data.tables.ab import limit_of
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import Columns, choose
from i2i.data.tables.table import Table
from i2i.images import Limit, Picture, Range
from i2i.options import options_of, validate
from i2i.splits import our_name


@dataclass(frozen=True)
class Opened:
    """A dataset, and how training reads it. A pair is a number: those of one split follow those of another."""

    root: str
    options: Mapping[str, Any]
    """Those of the dataset ``pairs`` that were given."""
    tables: Mapping[str, Table]
    """Split, by its name among ours -> its images; train, val and test come first."""
    sides: Columns
    """Which columns are source and target; no source where training computes it from the target."""
    ranges: Mapping[str, Range | None]
    """Column that is read, of any split -> its declared range."""
    limit: Limit

    def __len__(self) -> int:
        return sum(len(table.names) for table in self.tables.values())

    @cached_property
    def splits(self) -> dict[str, slice]:
        """Split -> its pairs."""
        ends = accumulate((len(table.names) for table in self.tables.values()), initial=0)
        return dict(zip(self.tables, (slice(*ends) for ends in pairwise(ends)), strict=True))

    def columns_of(self, split: str) -> Sequence[str]:
        """Return those of a split that are read."""
        return [column for column in self.tables[split].columns if column in self.ranges]

    def side_of(self, column: str) -> str:
        """Return ``source`` or ``target``: where training reads a column."""
        return "source" if column in self.sides.source else "target"

    def locate(self, pair: int) -> tuple[str, int]:
        """Return the split of a pair, and its row there."""
        return next((split, pair - rows.start) for split, rows in self.splits.items() if pair < rows.stop)

    def name(self, pair: int) -> str:
        """Return a name such as ``train/0001``."""
        split, row = self.locate(pair)
        return f"{split}/{self.tables[split].names[row]}"

    def picture(self, pair: int, column: str) -> Picture:
        """Decode an image in its declared range; raises what `Table.picture` does."""
        split, row = self.locate(pair)
        return self.tables[split].picture(row, column, value_range=self.ranges[column], limit=self.limit)


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
    layout = datafiles.streamed_layout(root, said.layout) if said.streaming else said.layout
    named = (*said.source, *said.target)
    names = [our_name(split) for split in splits_of(root, layout, named)]
    if said.val_share is not None and "train" in names:
        names.insert(1, "val")
    tables = {
        split: open_table(root, split, layout, named, said.match, said.val_share) for split in dict.fromkeys(names)
    }
    columns = next(iter(tables.values())).columns
    sides = choose(columns, said.source, said.target, said.direction, target_alone=said.colours == "lab")
    declared = {
        **declared_ranges("source", sides.source, said.source_range),
        **declared_ranges("target", sides.target, said.target_range),
    }
    there = (column for table in tables.values() for column in table.columns)
    ranges = {column: declared.get(column) for column in there if column in declared or column not in columns}
    return Opened(root, options, tables, sides, ranges, limit_of(root, said.max_pixels))
