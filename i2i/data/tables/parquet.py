"""Parquet files, as the Hub keeps its sets: ``train-00000-of-00004.parquet``, ``data/validation-*.parquet``.

They are read by the row group, each of which is one block of the stream, and never copied to Arrow files: a second copy
of a large set would not fit, and one behind an address could not be read from any row on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
from pyarrow import parquet as pq

from i2i.data.order import BlockCache
from i2i.data.tables import stored
from i2i.data.tables.names import names_split
from i2i.data.tables.rows import Group, RowTable, choose_images, image_columns, whole_rows
from i2i.data.tables.stored import DataFile
from i2i.errors import DataError, things
from i2i.pairs import Block

MAX_BLOCK = 2 * 2**30
"""Bytes of the largest row group that is read: it has to fit into the memory of each process that reads."""


class ParquetTable(RowTable):
    """One split of a set of Parquet files.

    Args:
        found: The files, in order.
        columns: Those that every row must have; when empty, the pair that is found, or all.
        remote: See `RowTable`.

    Raises:
        MissingInputError: If a file is not there.
        UsageError: If there is no such column.
        DataError: If a file is damaged, lacks a column that others have, or has row groups beyond all memory.
    """

    def __init__(self, found: Sequence[DataFile], columns: Sequence[str], *, remote: bool) -> None:
        footers = [_footer(file) for file in found]
        schema = footers[0].schema.to_arrow_schema()
        chosen = choose_images(schema, columns, found[0].url)
        self._leaves = list(chosen.values())
        self._places = [
            (file, footer, number)
            for file, footer in zip(found, footers, strict=True)
            for number in range(footer.num_row_groups)
        ]
        for file, footer in zip(found, footers, strict=True):
            there = image_columns(footer.schema.to_arrow_schema())
            if lacking := next((name for name, leaf in chosen.items() if there.get(name) != leaf), None):
                raise DataError(
                    f"{file.url} has no images in column {lacking!r}, as {found[0].url} has. Mend or remove it."
                )
        groups = list(self._row_groups())
        self.blocks = [Block(len(group.rows), self._size(number)) for number, group in enumerate(groups)]
        self._cache = BlockCache(partial(self._load, leaves=self._leaves), self.blocks)
        layout = f"Parquet, {things(len(found), 'file')}"
        super().__init__(layout, schema, list(chosen), groups, remote=remote)

    def _images(self, group: int) -> pa.Table:
        return self._cache[group]

    def _load(self, group: int, leaves: Sequence[str]) -> pa.Table:
        file, footer, number = self._places[group]
        with _opened(file, footer) as opened:
            return opened.read_row_group(number, columns=leaves, use_threads=False)

    def _may_name_splits(self, column: str) -> bool:
        """Ask the smallest and the largest text of each row group."""
        said = [leaf.statistics for group in range(len(self._places)) for leaf in self._leaves_of(group, [column])]
        ends = [end for one in said if one is not None and one.has_min_max for end in (one.min, one.max)]
        return all(map(names_split, ends))

    def _row_groups(self) -> Iterator[Group]:
        first, before = 0, None
        for place, (file, footer, number) in enumerate(self._places):
            first = first if file is before else 0
            count = footer.row_group(number).num_rows
            counted = [leaf.statistics for leaf in self._leaves_of(place, self._leaves)]
            # of images without bytes the footer does not tell
            is_whole = all(one is not None and one.has_null_count and one.null_count == 0 for one in counted)
            rows = range(count) if is_whole else whole_rows(self._load(place, self._leaves))
            yield Group(file.url, f"{file.name}/", first, count, rows)
            first, before = first + count, file

    def _size(self, group: int) -> int:
        """Return the bytes of a row group in memory.

        Raises:
            DataError: If they are too many.
        """
        size: int = sum(leaf.total_uncompressed_size for leaf in self._leaves_of(group, self._leaves))
        if size > MAX_BLOCK:
            file, _, number = self._places[group]
            raise DataError(
                f"Row group {number} of {file.url} holds {size / 2**30:.1f} GiB of images, which are read together. "
                "Write the file anew with row groups of some hundred rows."
            )
        return size

    def _leaves_of(self, group: int, leaves: Sequence[str]) -> Iterator[pq.ColumnChunkMetaData]:
        """Yield what the footer says about some leaves of a row group."""
        _, footer, number = self._places[group]
        metadata = footer.row_group(number)
        for place in range(metadata.num_columns):
            if (column := metadata.column(place)).path_in_schema in leaves:
                yield column


def _footer(file: DataFile) -> pq.FileMetaData:
    with _opened(file) as opened:
        return opened.metadata


@contextmanager
def _opened(file: DataFile, footer: pq.FileMetaData | None = None) -> Iterator[pq.ParquetFile]:
    with stored.opened(file.url) as stream:
        try:
            yield pq.ParquetFile(stream, metadata=footer, pre_buffer=True)
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(f"{file.url} is no Parquet file, or damaged: {reason}.") from error
