"""Write rows of images to Parquet files, as the ``datasets`` library and the Hub's viewer open them.

Not by its `Dataset.to_parquet`, which first copies all images to Arrow files on disk.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

NAME = "name"
ROWS_A_GROUP = 100
BYTES_A_GROUP = 64 * 2**20
"""Where a group of rows that are read together ends: small enough for the Hub's viewer and for random access."""

BYTES_A_FILE = 500_000_000
"""About the size of one file, as the Hub advises."""

Example = Mapping[str, Any]
"""Values by column: of an image ``{"bytes": ..., "path": ...}``, or bytes."""


class _Group(NamedTuple):
    rows: list[Example]
    size: int


def write_parquet(folder: Path, split: str, schema: pa.Schema, rows: Iterable[Example]) -> list[Path]:
    """Write a split, in as many files as it takes; equal rows make equal bytes.

    Args:
        folder: Where to.
        split: Its name on the Hub.
        schema: Of the columns.
        rows: Taken one at a time; no more than a row group is kept.

    Returns:
        ``SPLIT-00000-of-0000N.parquet`` and so on.
    """
    parts: list[Path] = []
    groups = _groups(rows)
    group: _Group | None = next(groups, _Group([], 0))
    while group is not None:
        parts.append(folder / f".{split}-{len(parts)}")
        written = 0
        with pq.ParquetWriter(parts[-1], schema, compression="none", write_statistics=False) as writer:
            while group is not None and written < BYTES_A_FILE:
                writer.write_table(pa.Table.from_pylist(group.rows, schema=schema))
                written += group.size
                group = next(groups, None)
    names = [folder / f"{split}-{number:05}-of-{len(parts):05}.parquet" for number in range(len(parts))]
    return [part.rename(name) for part, name in zip(parts, names, strict=True)]


def _groups(rows: Iterable[Example]) -> Iterator[_Group]:
    kept: list[Example] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += sum(map(_bytes_of, row.values()))
        if len(kept) == ROWS_A_GROUP or size >= BYTES_A_GROUP:
            yield _Group(kept, size)
            kept, size = [], 0
    if kept:
        yield _Group(kept, size)


def _bytes_of(value: Any) -> int:
    data = value["bytes"] if isinstance(value, dict) else value
    return len(data) if isinstance(data, bytes) else 0
