"""Rows of columns with the bytes of images in them, as Arrow reads them: of Parquet files, or of sets in memory."""

import re
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial, reduce
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
from pyarrow import compute as pc

from i2i.data.tables.names import images_among, refuse_hidden_splits, split_column
from i2i.data.tables.table import Part, Problem, Splits, Table
from i2i.errors import DataError
from i2i.images import printable, read_bytes
from i2i.images.discovery import without_suffix
from i2i.splits import our_name

Stored = TypeVar("Stored")

FILE_NAMES = ("file_name", "filename")
NAME_COLUMNS = ("name", *FILE_NAMES, "__key__", "key", "id")
"""Columns of text that name a row, in the order in which they are looked for."""
SNAPSHOT = re.compile(r".*/snapshots/[0-9a-f]{40}/")
"""Where the cache of the Hub keeps the files of a set: different on each machine, and for each revision."""


class Group(NamedTuple):
    """Rows that lie together: a row group of a file, or a whole set."""

    where: str
    """What errors call the file or the set."""
    prefix: str
    """What its rows are called by, before their number."""
    first: int
    """The number of its first row."""
    length: int
    rows: Sequence[int]
    """Those of its rows that have all images, counted from its first."""


class RowTable(Table):
    """One split, whose images are columns of bytes, or structs of ``bytes`` and ``path``.

    Rows are named by a column of text (see `NAME_COLUMNS`) or by the path of their first image; where these are not all
    different, by where they are and their number.

    Args:
        layout: See `Table`.
        schema: That of all groups.
        columns: See `Table`.
        groups: Where the rows are.
        remote: Whether reading a column of names would cost requests.
    """

    classes: Mapping[str, Mapping[Any, str]] = {}
    """Column of numbers -> the word that each stands for."""

    def __init__(
        self, layout: str, schema: pa.Schema, columns: Sequence[str], groups: Sequence[Group], *, remote: bool = False
    ) -> None:
        self._schema, self._groups = schema, groups
        self._starts = [0, *accumulate(len(group.rows) for group in groups)]
        super().__init__(layout, [], columns, list(self._problems()))
        numbered = [printable(f"{group.prefix}{group.first + row}") for group in groups for row in group.rows]
        self.names = numbered if remote else self._stored_names or numbered

    @abstractmethod
    def _images(self, group: int) -> pa.Table:
        """Return the columns of images of a group."""

    @abstractmethod
    def _load(self, group: int, leaves: Sequence[str]) -> pa.Table:
        """Read columns, or parts of structs such as ``imageA.path``, of a group; without those that are not there."""

    @abstractmethod
    def _may_name_splits(self, column: str) -> bool:
        """Check without reading all of it whether a column can hold nothing but names of splits."""

    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the image's file."""
        group, place = self._place(row)
        value = self._images(group).column(column)[place].as_py()
        data, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
        if data is None and path is not None:
            return self._file(row, column, Path(path))
        if not data:
            raise DataError(f"{self.where(row, column)} is empty. Mend or leave out this row.")
        return bytes(data)

    def where(self, row: int, column: str) -> str:
        """Return what errors call an image."""
        group, place = self._place(row)
        return f"{column} in row {self._groups[group].first + place} of {self._groups[group].where}"

    @cached_property
    def keys(self) -> Sequence[str]:
        """Return names that are stored, also behind an address; else the row's number in the split."""
        befores = accumulate((group.length for group in self._groups), initial=0)
        numbers = [
            str(before + row) for group, before in zip(self._groups, befores, strict=False) for row in group.rows
        ]
        return self._stored_names or numbers

    def splits(self, otherwise: str) -> list[str]:
        """Return the different splits that rows say, or the other one; empty ones are for `of_split` to refuse."""
        if (column := split_column(tuple(self._schema.names))) is None:
            return [otherwise]
        return sorted({str(value).strip() for value in self._values(column) if _is_said(value)})

    def of_split(self, split: str, *, alone: bool) -> Table:
        """Return the rows of a split: those that say so, or all where rows say none.

        Args:
            split: The split that is wanted.
            alone: Whether this is all there is. Else all rows are of the wanted split by where they lie.

        Raises:
            DataError: If a row says none, or another than where it lies, or all do in a column of another name.
        """
        where, column = self._groups[0].where if self._groups else "", split_column(tuple(self._schema.names))
        if column is None:
            hints = [name for name in self._readable() if alone and self._may_name_splits(name)]
            refuse_hidden_splits(where, {name: list(self._values(name)) for name in hints}, split)
            return self
        rows = []
        for row, value in enumerate(self._values(column)):
            if not _is_said(value):
                raise DataError(f"{self.names[row]} in {where} has no {column!r}. Write train, val or test.")
            if our_name(str(value).strip()) == our_name(split):
                rows.append(row)
            elif not alone:
                raise DataError(
                    f"{self.names[row]} in {where} is {value!r} by its column {column!r}, and {split!r} by where it "
                    "lies. Correct the column, or rename it."
                )
        return self if len(rows) == len(self.names) else Part(self, rows, f"{self.layout}, by its column {column!r}")

    def _file(self, row: int, column: str, path: Path) -> bytes:
        """Read a file that the set names; it may only be one that came with it."""
        from datasets import config
        from huggingface_hub.constants import HF_HUB_CACHE

        group, _ = self._place(row)
        homes = (Path(config.HF_DATASETS_CACHE), Path(HF_HUB_CACHE), Path(self._groups[group].where))
        if not any(path.resolve().is_relative_to(home.resolve()) for home in homes):
            raise DataError(
                f"{self.where(row, column)} is a file outside the set, {str(path)!r}. Store the image in it."
            )
        return read_bytes(path, self.where(row, column))

    def _problems(self) -> Iterator[Problem]:
        for group in self._groups:
            for row in sorted({*range(group.length)} - {*group.rows}) if len(group.rows) < group.length else ():
                number = group.first + row
                message = f"Row {number} of {group.where} lacks an image. Mend or remove it."
                yield Problem(printable(f"{group.prefix}{number}"), "bad-row", message)

    def _place(self, row: int) -> tuple[int, int]:
        """Return the group, and the row in it."""
        group = bisect_right(self._starts, row) - 1
        return group, self._groups[group].rows[row - self._starts[group]]

    def _readable(self) -> list[str]:
        """Return columns of text, and of numbers that stand for words."""
        return [field.name for field in self._schema if _is_text(field.type) or field.name in self.classes]

    @cached_property
    def _stored_names(self) -> list[str] | None:
        for column in NAME_COLUMNS:
            is_there = column in self._schema.names and _is_text(self._schema.field(column).type)
            if is_there and (names := _distinct(self._values(column), files=column in FILE_NAMES)):
                return names
        return _distinct(self._values(self.columns[0], "path"), files=True)

    def _values(self, column: str, part: str = "") -> Iterator[object]:
        """Yield a column, or a part of its structs, of all rows that have their images; None where it is not there."""
        classes = self.classes.get(column)
        for number, group in enumerate(self._groups):
            read = self._load(number, [f"{column}.{part}" if part else column])
            array = read.column(column) if column in read.column_names else pa.nulls(group.length)
            if part:
                has_part = pa.types.is_struct(array.type) and array.type.get_field_index(part) >= 0
                array = pc.struct_field(array, part) if has_part else pa.nulls(group.length)
            values = array.to_pylist()
            yield from (classes.get(values[row]) if classes else values[row] for row in group.rows)


def find_in_rows(stored: Mapping[str, Stored], open_rows: Callable[[Stored], RowTable]) -> Splits:
    """Return the splits of what says its split by name; where all is of one, those that its rows say.

    Args:
        stored: Split -> where it is.
        open_rows: Opens it.
    """
    if len(stored) != 1:
        return {split: partial(_open, open_rows, rows, split) for split, rows in stored.items()}
    ((only, rows),) = stored.items()
    table = open_rows(rows)
    return {split: partial(table.of_split, split, alone=True) for split in table.splits(only)}


def image_columns(schema: pa.Schema) -> dict[str, str]:
    """Return column -> the leaf that holds its bytes, such as ``imageA.bytes``."""
    columns = {}
    for field in schema:
        kind, leaf = field.type, field.name
        if pa.types.is_struct(kind) and (place := kind.get_field_index("bytes")) >= 0:
            kind, leaf = kind.field(place).type, f"{field.name}.bytes"
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            columns[field.name] = leaf
    return columns


def choose_images(schema: pa.Schema, wanted: Sequence[str], where: str) -> dict[str, str]:
    """Return those of `image_columns` that are read: as the user named, the pair that is found, or all.

    Raises:
        UsageError: If a column that the user named is not there.
        DataError: If there are none.
    """
    there = image_columns(schema)
    names = images_among([*there], wanted, where)
    if not there:
        raise DataError(
            f"{where} has no columns of images: {', '.join(schema.names)}. Store the bytes of each image of a row in a "
            "column of its own; paths, arrays and lists are not read."
        )
    return {name: there[name] for name in names or there}


def whole_rows(images: pa.Table) -> Sequence[int]:
    """Return the rows that have an image in every column: its bytes, or where they are."""
    rows = pc.indices_nonzero(pc.invert(reduce(pc.or_, map(_lacks, images.columns))))
    return range(images.num_rows) if len(rows) == images.num_rows else rows.to_pylist()


def _lacks(column: pa.ChunkedArray) -> Any:
    """Return for each row whether there is no image; only where bytes begin is read."""
    path, data = None, column
    if pa.types.is_struct(column.type):
        data = pc.struct_field(column, "bytes")
        path = pc.struct_field(column, "path") if column.type.get_field_index("path") >= 0 else None
    nothing = pc.is_null(data) if path is None else pc.and_(pc.is_null(data), pc.is_null(path))
    return pc.or_(nothing, pc.fill_null(pc.equal(pc.binary_length(data), 0), False))


def _open(open_rows: Callable[[Stored], RowTable], stored: Stored, split: str) -> Table:
    return open_rows(stored).of_split(split, alone=False)


def _is_said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _distinct(values: Iterator[object], *, files: bool) -> list[str] | None:
    """Return values as names of rows, or nothing where they are no names: empty, or not all different.

    Args:
        values: One a row.
        files: Whether they are names of files, whose suffixes do not belong to the rows' names.
    """
    names = []
    for value in values:
        path = SNAPSHOT.sub("", value).strip("/") if isinstance(value, str) else ""
        if not path:
            return None
        names.append(printable(without_suffix(path) if files else path))
    return names if len(set(names)) == len(names) else None
