"""Write rows of images to Parquet files, as the ``datasets`` library and the Hub's viewer open them.

Not by its `Dataset.to_parquet`, which first copies all images to Arrow files on disk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from i2i.data.tables.manifest import ListTable
from i2i.data.tables.table import Table

NAME = "name"
ROWS_A_GROUP = 100
BYTES_A_GROUP = 64 * 2**20
"""Where a group of rows that are read together ends: small enough for the Hub's viewer and for random access."""

BYTES_A_FILE = 500_000_000
"""About the size of one file, as the Hub advises."""

Example = Mapping[str, Any]
"""Values by column: of an image ``{"bytes": ..., "path": ...}``, or bytes."""

Group = tuple[Sequence[Example], int]
"""Rows that are read together, and their bytes."""

ANNOTATIONS = (
    *(pa.string(), pa.int64(), pa.float64(), pa.bool_()),
    *(pa.list_(pa.int64()), pa.list_(pa.float64())),
)
"""Types of the columns besides those of images."""


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
    group: Group | None = next(groups, ([], 0))
    while group is not None:
        parts.append(folder / f".{split}-{len(parts)}")
        written = 0
        with pq.ParquetWriter(parts[-1], schema, compression="none", write_statistics=False) as writer:
            while group is not None and written < BYTES_A_FILE:
                writer.write_table(pa.Table.from_pylist([*group[0]], schema=schema))
                written += group[1]
                group = next(groups, None)
    names = [folder / f"{split}-{number:05}-of-{len(parts):05}.parquet" for number in range(len(parts))]
    return [part.rename(name) for part, name in zip(parts, names, strict=True)]


def _groups(rows: Iterable[Example]) -> Iterator[Group]:
    kept: list[Example] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += sum(map(_bytes_of, row.values()))
        if len(kept) == ROWS_A_GROUP or size >= BYTES_A_GROUP:
            yield kept, size
            kept, size = [], 0
    if kept:
        yield kept, size


def _bytes_of(value: Any) -> int:
    data = value["bytes"] if isinstance(value, dict) else value
    return len(data) if isinstance(data, bytes) else 0


def annotation_types(tables: Iterable[Table]) -> dict[str, pa.DataType | None]:
    """Return the columns that all splits get: one of `ANNOTATIONS`, None where nothing holds all values."""
    found: dict[str, pa.DataType | None] = {}
    for table in tables:
        rows = annotations_of(table)
        while batch := list(islice(rows, 10 * ROWS_A_GROUP)):
            for name in {name: None for row in batch for name in row}:
                found[name] = _joined(found.get(name, pa.null()), [row.get(name) for row in batch])
    return {name: kind if kind in ANNOTATIONS else None for name, kind in found.items()}


def annotations_of(table: Table) -> Iterator[Mapping[str, Any]]:
    """Return those of each row, in order; nothing where the layout has none."""
    return table.annotations() if isinstance(table, ListTable) else iter(())


def _joined(before: pa.DataType | None, values: Sequence[Any]) -> pa.DataType | None:
    """Return what holds these values and those before; None if nothing does."""
    if before is None:
        return None
    try:
        kind = pa.array(values).type  # `pa.infer_type` does not look at all of them
        schemas = [pa.schema([("", one)]) for one in (before, kind)]
        return pa.unify_schemas(schemas, promote_options="permissive")[0].type
    except (pa.ArrowException, OverflowError):
        return None
