"""Rows of Parquet files, read by the row group: each is one block of the stream."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet as pq

from i2i.data.order import BlockCache
from i2i.data.tables import shards
from i2i.data.tables.names import NAME_COLUMNS, Places, distinct, images_among, is_text
from i2i.data.tables.shards import Shard
from i2i.data.tables.table import REMEDY, EncodedTable, Problem
from i2i.errors import DataError
from i2i.pairs import Block

MAX_BLOCK = 2 * 2**30
"""Bytes of the largest row group that is read: it has to fit into the memory of each process that reads."""


class RowGroup(NamedTuple):
    """Where a row group is."""

    shard: Shard
    footer: pq.FileMetaData
    """Of the whole file."""
    number: int
    first: int
    """Row of the file with which it begins."""


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

    def __init__(self, found: Sequence[Shard], columns: Sequence[str], *, remote: bool) -> None:
        footers = [_footer(shard) for shard in found]
        chosen = _chosen(found, footers, columns)
        self._leaves = list(chosen.values())
        self._groups = [
            RowGroup(shard, footer, number, first)
            for shard, footer in zip(found, footers, strict=True)
            for number, first in enumerate(_firsts(footer))
        ]
        self._missing = {number: rows for number in range(len(self._groups)) if (rows := self._rows_without(number))}
        self.blocks = [self._block(number) for number in range(len(self._groups))]
        self._rows_before = [0, *accumulate(group.footer.row_group(group.number).num_rows for group in self._groups)]
        self._starts = [0, *accumulate(block.pairs for block in self.blocks)]
        self._cache = BlockCache(self._read, self.blocks)
        layout = f"Parquet, {len(found)} file{'s' if len(found) > 1 else ''}"
        super().__init__(layout, [], list(chosen), self._problems())
        self._schema, self._remote = footers[0].schema.to_arrow_schema(), remote
        self.names: Sequence[str] = (None if remote else self._stored_names()) or Places(
            self._starts[-1], self._place_name
        )

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

    def _place(self, row: int) -> tuple[int, int]:
        """Row group, and row in it."""
        block = bisect_right(self._starts, row) - 1
        place = row - self._starts[block]
        for missing in self._missing.get(block, ()):
            place += missing <= place
        return block, place

    def _read(self, number: int) -> pa.Table:
        group = self._groups[number]
        with _file(group.shard, group.footer) as file:
            return file.read_row_group(group.number, columns=self._leaves, use_threads=False)

    def _rows_without(self, number: int) -> list[int]:
        """Rows of a row group that lack an image; nothing is read where the footer says that there are none."""
        group = self._groups[number]
        metadata = group.footer.row_group(group.number)
        if all(_is_filled(leaf) for leaf in _columns(metadata, self._leaves)):
            return []
        table = self._read(number)
        rows = zip(*(table.column(column).to_pylist() for column in table.column_names), strict=True)
        return [row for row, values in enumerate(rows) if not all(map(_bytes, values))]

    def _block(self, number: int) -> Block:
        group = self._groups[number]
        metadata = group.footer.row_group(group.number)
        size = sum(leaf.total_uncompressed_size for leaf in _columns(metadata, self._leaves))
        if size > MAX_BLOCK:
            raise DataError(
                f"Row group {group.number} of {group.shard.url} holds {size / 2**30:.1f} GiB of images, which are read "
                "together. Write the file anew with row groups of some hundred rows."
            )
        return Block(metadata.num_rows - len(self._missing.get(number, ())), size)

    def _problems(self) -> list[Problem]:
        problems = []
        for number, rows in self._missing.items():
            group = self._groups[number]
            for row in rows:
                name = f"{group.shard.name}/{group.first + row}"
                where = f"Row {group.first + row} of {group.shard.url}"
                problems.append(Problem(name, "bad-row", f"{where} lacks an image. Mend or remove it."))
        return problems

    @cached_property
    def keys(self) -> Sequence[str]:
        """Names that are stored, also behind an address; else the row's number in the split, as `ArrowTable` counts."""
        stored = self._stored_names() if self._remote else None if isinstance(self.names, Places) else self.names
        return stored or Places(self._starts[-1], self._number)

    def _stored_names(self) -> Sequence[str] | None:
        schema = self._schema
        columns = [name for name in NAME_COLUMNS if name in schema.names and is_text(schema.field(name).type)]
        paths = [leaf.replace(".bytes", ".path") for leaf in self._leaves[:1] if _has_path(schema, leaf)]
        for column in [*columns, *paths]:
            if (names := distinct(self._texts(column), files=column in (*paths, "file_name", "filename"))) is not None:
                return names
        return None

    def _number(self, row: int) -> str:
        block, place = self._place(row)
        return str(self._rows_before[block] + place)

    def _place_name(self, row: int) -> str:
        block, place = self._place(row)
        group = self._groups[block]
        return f"{group.shard.name}/{group.first + place}"

    def _texts(self, leaf: str) -> Iterator[object]:
        """A column of all rows, without those that lack an image."""
        column, _, path = leaf.partition(".")
        for number, group in enumerate(self._groups):
            missing = set(self._missing.get(number, ()))
            with _file(group.shard, group.footer) as file:
                values = file.read_row_group(group.number, columns=[leaf], use_threads=False).column(column).to_pylist()
            for place, value in enumerate(values):
                if place not in missing:
                    yield value[path] if path and value else value


def _footer(shard: Shard) -> pq.FileMetaData:
    with _file(shard) as file:
        return file.metadata


@contextmanager
def _file(shard: Shard, footer: pq.FileMetaData | None = None) -> Iterator[pq.ParquetFile]:
    with shards.opened(shard.url) as stream:
        try:
            yield pq.ParquetFile(stream, metadata=footer, pre_buffer=True)
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(f"{shard.url} is no Parquet file, or damaged: {reason}.") from error


def _firsts(footer: pq.FileMetaData) -> list[int]:
    """The row with which each row group begins."""
    rows = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    return [0, *accumulate(rows)][: len(rows)]


def _chosen(found: Sequence[Shard], footers: Sequence[pq.FileMetaData], wanted: Sequence[str]) -> dict[str, str]:
    """Column -> the leaf that holds its bytes, which is the same in all files."""
    first = _image_columns(footers[0].schema.to_arrow_schema())
    names = images_among(list(first), wanted, found[0].url)
    if not first:
        raise DataError(f"{found[0].url} has no columns of images. {REMEDY}")
    chosen = {name: first[name] for name in names or first}
    for shard, footer in zip(found, footers, strict=True):
        columns = _image_columns(footer.schema.to_arrow_schema())
        for name, leaf in chosen.items():
            if columns.get(name) != leaf:
                raise DataError(
                    f"{shard.url} has no images in column {name!r}, as {found[0].url} has. Mend or remove it."
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
    kind = schema.field(leaf.removesuffix(".bytes")).type
    return bool(pa.types.is_struct(kind) and kind.get_field_index("path") >= 0)


def _columns(metadata: pq.RowGroupMetaData, leaves: Sequence[str]) -> Iterator[pq.ColumnChunkMetaData]:
    """What the footer says about some leaves of a row group."""
    for number in range(metadata.num_columns):
        column = metadata.column(number)
        if column.path_in_schema in leaves:
            yield column


def _is_filled(column: pq.ColumnChunkMetaData) -> bool:
    """Whether the footer says that no row lacks its image; of empty ones it does not tell."""
    statistics = column.statistics
    return statistics is not None and statistics.has_null_count and statistics.null_count == 0


def _bytes(value: Any) -> Any:
    """The bytes in a struct or in a plain value, if there are any."""
    return value["bytes"] if isinstance(value, dict) else value
