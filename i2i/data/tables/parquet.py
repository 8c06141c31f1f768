"""Parquet files, as the Hub keeps its sets: ``train-00000-of-00004.parquet``, ``data/validation-*.parquet``.

They are read by the row group, each of which is one block of the stream, and never copied to Arrow files: a second copy
of a large set would not fit, and one behind an address could not be read from any row on.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet as pq

from i2i.data.order import BlockCache
from i2i.data.tables import stored
from i2i.data.tables.names import NAME_COLUMNS, distinct, images_among, is_text, names_split, split_column
from i2i.data.tables.parts import of_split, splits_said
from i2i.data.tables.stored import DataFile
from i2i.data.tables.table import REMEDY, EncodedTable, Problem, Table
from i2i.errors import DataError
from i2i.images import printable
from i2i.pairs import Block
from i2i.places import is_url

SUFFIX = ".parquet"
MAX_BLOCK = 2 * 2**30
"""Bytes of the largest row group that is read: it has to fit into the memory of each process that reads."""


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.table.Layout`."""
    return splits_among(stored.by_split(stored.find(root, SUFFIX)), columns, remote=is_url(root))


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.table.Layout`."""
    return open_among(stored.by_split(stored.find(root, SUFFIX)), split, columns, remote=is_url(root))


def splits_among(files: Mapping[str, Sequence[DataFile]], columns: Sequence[str], *, remote: bool) -> list[str]:
    """The splits of files that say theirs by name; where all say one, those that their rows say.

    Args:
        files: Split -> its files.
        columns: As for `open_split`.
        remote: See `ParquetTable`.
    """
    found = next(iter(files.values()), ())
    if len(files) != 1 or split_column(tuple(_footer(found[0]).schema.to_arrow_schema().names)) is None:
        return list(files)
    return splits_said(ParquetTable(found, columns, remote=remote).said)


def open_among(files: Mapping[str, Sequence[DataFile]], split: str, columns: Sequence[str], *, remote: bool) -> Table:
    """The rows of a split that is one of `splits_among`.

    Raises:
        DataError: If rows say another split than their file, or say it in a column that is not called so.
    """
    found = files[split] if split in files else next(iter(files.values()))
    table = ParquetTable(found, columns, remote=remote)
    alone = len(files) == 1
    return of_split(table, table.said or (table.hints if alone else {}), split, found[0].url, alone=alone)


class RowGroup(NamedTuple):
    """Where a row group is."""

    shard: DataFile
    footer: pq.FileMetaData
    """Of the whole file."""
    number: int
    first: int
    """Row of the file with which it begins."""
    rows: Sequence[int]
    """Those of its rows that have all images."""


class ParquetTable(EncodedTable):
    """One split of a set of Parquet files.

    Images are columns of bytes, or structs of ``bytes`` and ``path``. Rows are named by a column of text (see
    `NAME_COLUMNS`) or by the path of their first image; where these are not all different, and behind an address, by
    file and row.

    Args:
        found: The files, in order.
        columns: Those that every row must have; when empty, the pair that is found, or all.
        remote: Whether reading a column of names would cost requests.

    Raises:
        MissingInputError: If a file is not there.
        UsageError: If there is no such column.
        DataError: If a file is damaged, lacks a column that others have, or has row groups beyond all memory.
    """

    def __init__(self, found: Sequence[DataFile], columns: Sequence[str], *, remote: bool) -> None:
        footers = [_footer(shard) for shard in found]
        chosen = _chosen(found, footers, columns)
        self._leaves, self._schema, self._remote = list(chosen.values()), footers[0].schema.to_arrow_schema(), remote
        self._groups = list(self._row_groups(found, footers))
        self.blocks = [Block(len(group.rows), self._size(group)) for group in self._groups]
        self._starts = [0, *accumulate(block.pairs for block in self.blocks)]
        self._cache = BlockCache(self._read, self.blocks)
        names = (None if remote else self._stored_names()) or [
            printable(f"{group.shard.name}/{group.first + row}") for group in self._groups for row in group.rows
        ]
        layout = f"Parquet, {len(found)} file{'s' if len(found) > 1 else ''}"
        super().__init__(layout, names, list(chosen), list(self._problems()))

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file; see `Table`."""
        block, place = self._place(row)
        data = _bytes(self._cache[block].column(column)[place].as_py())
        if not data:
            raise DataError(f"{self.where(row, column)} is empty. Mend or leave out this row.")
        return bytes(data)

    def where(self, row: int, column: str) -> str:
        """What errors call an image."""
        block, place = self._place(row)
        group = self._groups[block]
        return f"{column} in row {group.first + place} of {group.shard.url}"

    @cached_property
    def keys(self) -> Sequence[str]:
        """Names that are stored, also behind an address; else the row's number in the split, as `ArrowTable` counts."""
        if stored := self._stored_names():
            return stored
        befores = accumulate((group.footer.row_group(group.number).num_rows for group in self._groups), initial=0)
        return [str(before + row) for group, before in zip(self._groups, befores, strict=False) for row in group.rows]

    @property
    def said(self) -> Mapping[str, Sequence[object]]:
        """The column that says each row's split, and what it says; empty where there is none."""
        column = split_column(tuple(self._schema.names))
        return {} if column is None else {column: list(self._values(column))}

    @property
    def hints(self) -> Mapping[str, Sequence[object]]:
        """Columns that may hold nothing but names of splits: by the smallest and largest text in each row group."""
        texts = [field.name for field in self._schema if is_text(field.type)]
        return {name: list(self._values(name)) for name in texts if all(self._may_name_splits(name))}

    def _may_name_splits(self, column: str) -> Iterator[bool]:
        for group in self._groups:
            for leaf in _leaves_of(group.footer, group.number, [column]):
                said = leaf.statistics
                yield said is None or not said.has_min_max or (names_split(said.min) and names_split(said.max))

    def _row_groups(self, found: Sequence[DataFile], footers: Sequence[pq.FileMetaData]) -> Iterator[RowGroup]:
        for shard, footer in zip(found, footers, strict=True):
            first = 0
            for number in range(footer.num_row_groups):
                count = footer.row_group(number).num_rows
                group = RowGroup(shard, footer, number, first, range(count))
                filled = all(_is_filled(leaf) for leaf in _leaves_of(footer, number, self._leaves))
                yield group if filled else group._replace(rows=self._whole_rows(group))
                first += count

    def _whole_rows(self, group: RowGroup) -> list[int]:
        rows = zip(*(column.to_pylist() for column in self._load(group, self._leaves).columns), strict=True)
        return [row for row, values in enumerate(rows) if all(map(_bytes, values))]

    def _size(self, group: RowGroup) -> int:
        """Bytes of a row group in memory.

        Raises:
            DataError: If they are too many.
        """
        size: int = sum(leaf.total_uncompressed_size for leaf in _leaves_of(group.footer, group.number, self._leaves))
        if size > MAX_BLOCK:
            raise DataError(
                f"Row group {group.number} of {group.shard.url} holds {size / 2**30:.1f} GiB of images, which are read "
                "together. Write the file anew with row groups of some hundred rows."
            )
        return size

    def _problems(self) -> Iterator[Problem]:
        for group in self._groups:
            for row in sorted({*range(group.footer.row_group(group.number).num_rows)} - {*group.rows}):
                where = f"Row {group.first + row} of {group.shard.url}"
                name = f"{group.shard.name}/{group.first + row}"
                yield Problem(name, "bad-row", f"{where} lacks an image. Mend or remove it.")

    def _place(self, row: int) -> tuple[int, int]:
        """Row group, and row in it."""
        block = bisect_right(self._starts, row) - 1
        return block, self._groups[block].rows[row - self._starts[block]]

    def _read(self, number: int) -> pa.Table:
        return self._load(self._groups[number], self._leaves)

    def _load(self, group: RowGroup, leaves: Sequence[str]) -> pa.Table:
        with _file(group.shard, group.footer) as file:
            return file.read_row_group(group.number, columns=leaves, use_threads=False)

    def _stored_names(self) -> Sequence[str] | None:
        schema = self._schema
        columns = [name for name in NAME_COLUMNS if name in schema.names and is_text(schema.field(name).type)]
        paths = [leaf.replace(".bytes", ".path") for leaf in self._leaves[:1] if _has_path(schema, leaf)]
        for column in [*columns, *paths]:
            if (names := distinct(self._values(column), files=column in (*paths, "file_name", "filename"))) is not None:
                return names
        return None

    def _values(self, leaf: str) -> Iterator[object]:
        """A column of all rows that have their images; None where a file does not have it."""
        column, _, path = leaf.partition(".")
        for group in self._groups:
            read = self._load(group, [leaf])
            for row in group.rows:
                value = read.column(column)[row].as_py() if read.num_columns else None
                yield value[path] if path and value else value


def _footer(shard: DataFile) -> pq.FileMetaData:
    with _file(shard) as file:
        return file.metadata


@contextmanager
def _file(shard: DataFile, footer: pq.FileMetaData | None = None) -> Iterator[pq.ParquetFile]:
    with stored.opened(shard.url) as stream:
        try:
            yield pq.ParquetFile(stream, metadata=footer, pre_buffer=True)
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(f"{shard.url} is no Parquet file, or damaged: {reason}.") from error


def _chosen(found: Sequence[DataFile], footers: Sequence[pq.FileMetaData], wanted: Sequence[str]) -> dict[str, str]:
    """Column -> the leaf that holds its bytes, which is the same in all files."""
    first = _image_columns(footers[0].schema.to_arrow_schema())
    names = images_among(list(first), wanted, found[0].url)
    if not first:
        raise DataError(f"{found[0].url} has no columns of images. {REMEDY}")
    chosen = {name: first[name] for name in names or first}
    for shard, footer in zip(found, footers, strict=True):
        columns = _image_columns(footer.schema.to_arrow_schema())
        if lacking := next((name for name, leaf in chosen.items() if columns.get(name) != leaf), None):
            raise DataError(
                f"{shard.url} has no images in column {lacking!r}, as {found[0].url} has. Mend or remove it."
            )
    return chosen


def _image_columns(schema: pa.Schema) -> dict[str, str]:
    """Column -> the leaf that holds its bytes."""
    columns = {}
    for field in schema:
        kind, leaf = field.type, field.name
        if pa.types.is_struct(kind) and (place := kind.get_field_index("bytes")) >= 0:
            kind, leaf = kind.field(place).type, f"{field.name}.bytes"
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            columns[field.name] = leaf
    return columns


def _has_path(schema: pa.Schema, leaf: str) -> bool:
    column, struct, _ = leaf.partition(".")
    return bool(struct) and schema.field(column).type.get_field_index("path") >= 0


def _leaves_of(footer: pq.FileMetaData, group: int, leaves: Sequence[str]) -> Iterator[pq.ColumnChunkMetaData]:
    """What the footer says about some leaves of a row group."""
    metadata = footer.row_group(group)
    for number in range(metadata.num_columns):
        if (column := metadata.column(number)).path_in_schema in leaves:
            yield column


def _is_filled(column: pq.ColumnChunkMetaData) -> bool:
    """Whether the footer says that no row lacks its image; of empty ones it does not tell."""
    statistics = column.statistics
    return statistics is not None and statistics.has_null_count and statistics.null_count == 0


def _bytes(value: Any) -> Any:
    """The bytes in a struct or in a plain value, if there are any."""
    return value["bytes"] if isinstance(value, dict) else value
