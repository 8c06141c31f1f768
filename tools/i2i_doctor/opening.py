"""Datasets as the doctor opens them: as training would with the same options, their pairs numbered through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Literal

from i2i.data.columns import classes_of, declared_ranges
from i2i.data.dataset import NO_COLOURS, Pairs
from i2i.data.tables import datafiles
from i2i.data.tables.ab import classes_in, limit_of
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import Columns, choose
from i2i.data.tables.table import LayoutChoice, Table
from i2i.errors import UsageError
from i2i.images import ImageError, Limit, Picture, Range
from i2i.options import options_of, validate
from i2i.pairs import Reading
from i2i.plugins import lookup
from i2i.prepared import Classes
from i2i.splits import our_name
from i2i_doctor.unpaired import Beside, are_no_pairs, open_beside


@dataclass(frozen=True)
class Opened:
    """A dataset, and how training reads it. A pair is a number: those of one split follow those of another."""

    root: str
    dataset: Literal["pairs", "unpaired"]
    """What reads it."""
    options: Mapping[str, Any]
    """Those of this dataset that were given."""
    tables: Mapping[str, Table]
    """Split, by its name among ours -> its images; train, val and test come first."""
    sides: Columns
    """Which columns are source and target; no source where training computes it from the target."""
    extras: Mapping[str, str]
    """Field besides these -> its column."""
    ranges: Mapping[str, Range | None]
    """Column that is read, of any split -> its declared range."""
    classes: Mapping[str, Classes]
    """Column of class ids -> which."""
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

    def range_option(self, column: str) -> str:
        """Return the option that declares the range of a column."""
        if field := next((field for field, own in self.extras.items() if own == column), None):
            return f"dataset.extra.{field}.range"
        return f"dataset.{'source' if column in self.sides.source else 'target'}_range"

    def locate(self, pair: int) -> tuple[str, int]:
        """Return the split of a pair, and its row there."""
        return next((split, pair - rows.start) for split, rows in self.splits.items() if pair < rows.stop)

    def name(self, pair: int, columns: Sequence[str] = ()) -> str:
        """Return a name such as ``train/0001``; of images that are no pairs, the names of those in these columns."""
        split, row = self.locate(pair)
        table = self.tables[split]
        if isinstance(table, Beside):
            there = [*filter(None, columns)] or [column for column in table.columns if self.has(pair, column)]
            return " and ".join(f"{split}/{column}/{table.sides[column].names[row]}" for column in there)
        return f"{split}/{table.names[row]}"

    def has(self, pair: int, column: str) -> bool:
        """Check whether there is an image: sides that are no pairs differ in their number."""
        split, row = self.locate(pair)
        table = self.tables[split]
        return column in table.columns and (not isinstance(table, Beside) or table.has(row, column))

    def picture(self, pair: int, column: str) -> Picture:
        """Decode an image in its declared range, or class ids; raises what `Table.picture` does."""
        split, row = self.locate(pair)
        reading: Reading = "ids" if column in self.classes else "image"
        span = self.ranges[column]
        picture = self.tables[split].picture(row, column, reading=reading, value_range=span, limit=self.limit)
        if reading == "ids" and picture.pixels.shape[2] != 1:
            raise ImageError("unsupported", f"{self.tables[split].where(row, column)} holds colours. {NO_COLOURS}")
        return picture


def open_as_training(root: str, options: Mapping[str, Any], dataset: str | None = None) -> Opened:
    """Open every split of a dataset.

    Args:
        root: What `i2i train` reads.
        options: Those of the dataset that are not as by default.
        dataset: What reads it, ``pairs`` or ``unpaired``; when not given, pairs, unless there are none.

    Raises:
        UsageError: If there is no such option or column, or its value is wrong.
        MissingInputError: If there is no dataset.
        DataError: If its layout is not recognised, or a split cannot be read.
    """
    if dataset not in (None, "pairs", "unpaired"):
        raise UsageError(f"--use dataset={dataset}: only 'pairs' and 'unpaired' are known here.")
    if dataset == "unpaired":
        return _open_unpaired(root, options)
    said: Any = validate(options_of(Pairs), options, "dataset 'pairs'")
    layout = datafiles.streamed_layout(root, said.layout) if said.streaming else said.layout
    named = _named(root, layout, said)
    names = [our_name(split) for split in splits_of(root, layout, named)]
    if said.val_share is not None and "train" in names:
        names.insert(1, "val")
    tables = {
        split: open_table(root, split, layout, named, said.match, said.val_share) for split in dict.fromkeys(names)
    }
    if dataset is None and not said.match and are_no_pairs(root, tables):
        return _open_unpaired(root, options)
    columns = next(iter(tables.values())).columns
    sides = _sides(columns, said)
    extras = {name: one.column for name, one in said.extra.items()}
    declared = {
        **{one.column: one.range for one in said.extra.values()},
        **declared_ranges("source", sides.source, said.source_range),
        **declared_ranges("target", sides.target, said.target_range),
    }
    there = (column for table in tables.values() for column in table.columns)
    ranges = {column: declared.get(column) for column in there if column in declared or column not in columns}
    classes = _classes(root, sides, said)
    return Opened(root, "pairs", options, tables, sides, extras, ranges, classes, limit_of(root, said.max_pixels))


def _open_unpaired(root: str, options: Mapping[str, Any]) -> Opened:
    said: Any = validate(options_of(lookup("dataset", "unpaired").cls), options, "dataset 'unpaired'")
    tables = open_beside(root)
    a, b = next(iter(tables.values())).columns
    sides = Columns((a,), (b,)) if said.direction == "AtoB" else Columns((b,), (a,))
    ranges = {sides.source[0]: said.source_range, sides.target[0]: said.target_range}
    # folders of another split may have other names
    there = (column for table in tables.values() for column in table.columns)
    ranges |= {column: None for column in there if column not in ranges}
    return Opened(root, "unpaired", options, tables, sides, {}, ranges, {}, limit_of(root, said.max_pixels))


def _sides(columns: Sequence[str], said: Any) -> Columns:
    return choose(columns, said.source, said.target, said.direction, target_alone=said.colours == "lab")


def _named(root: str, layout: LayoutChoice, said: Any) -> tuple[str, ...]:
    """Return the columns that every row must have; none where a pair of known names is looked for."""
    sides = Columns(said.source, said.target)
    if said.extra and not any(sides):
        sides = _sides(open_table(root, splits_of(root, layout)[0], layout, (), said.match).columns, said)
    return (*sides.source, *sides.target, *(one.column for one in said.extra.values()))


def _classes(root: str, sides: Columns, said: Any) -> dict[str, Classes]:
    """Return the columns that training reads as class ids."""
    known = classes_in(root)
    fields = [
        *((sides.source[0], classes_of(sides.source, said.source_classes, said.void, known)) for _ in sides.source[:1]),
        (sides.target[0], classes_of(sides.target, said.target_classes, said.void, known)),
        *((one.column, Classes(one.classes, said.void)) for one in said.extra.values() if one.kind == "ids"),
    ]
    return {column: classes for column, classes in reversed(fields) if classes is not None}
