"""Rows of images in Parquet files, as the ``datasets`` library and the Hub's viewer open them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

NAME = "name"
ROWS_A_GROUP = 100
"""Rows that are read together: few enough for the Hub's viewer and for random access."""

BYTES_A_FILE = 500_000_000
"""About the size of one file, as the Hub advises."""


class Row(NamedTuple):
    """A row, and the file name and bytes of each of its images."""

    name: str
    files: Mapping[str, tuple[str, bytes]]


def features_of(columns: Iterable[str]) -> list[dict[str, str]]:
    """Columns and their types, as the front matter of a card lists them."""
    return [{"name": NAME, "dtype": "string"}, *({"name": column, "dtype": "image"} for column in columns)]


def schema_of(columns: Iterable[str]) -> pa.Schema:
    """Types of Arrow, with the note by which the ``datasets`` library knows images."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features: dict[str, Any] = {NAME: {"dtype": "string", "_type": "Value"}}
    features |= {column: {"_type": "Image"} for column in columns}
    note = json.dumps({"info": {"features": features}})
    return pa.schema([(NAME, pa.string()), *((column, image) for column in columns)], {"huggingface": note})


def write_parquet(folder: Path, split: str, columns: Iterable[str], rows: Iterable[Row]) -> list[Path]:
    """Write a split, in as many files as it takes; equal rows make equal bytes.

    Returns:
        ``SPLIT-00000-of-0000N.parquet`` and so on.
    """
    columns = list(columns)
    parts = [
        _write(folder / f".{split}-{number}", schema_of(columns), part) for number, part in enumerate(_parts(rows))
    ]
    parts = parts or [_write(folder / f".{split}-0", schema_of(columns), [])]
    names = [folder / f"{split}-{number:05}-of-{len(parts):05}.parquet" for number in range(len(parts))]
    return [part.rename(name) for part, name in zip(parts, names, strict=True)]


def _parts(rows: Iterable[Row]) -> Iterator[Iterator[list[Row]]]:
    """Row groups of one file after another; each must be used up before the next."""
    groups = _groups(rows)
    for first in groups:
        yield _until_full(first, groups)


def _until_full(first: list[Row], groups: Iterator[list[Row]]) -> Iterator[list[Row]]:
    group: list[Row] | None = first
    size = 0
    while group is not None:
        yield group
        size += _bytes_of(group)
        group = next(groups, None) if size < BYTES_A_FILE else None


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _bytes_of(group: list[Row]) -> int:
    return sum(len(data) for row in group for _, data in row.files.values())


def _write(path: Path, schema: pa.Schema, groups: Iterable[list[Row]]) -> Path:
    with pq.ParquetWriter(path, schema, compression="none", write_statistics=False) as writer:
        for group in groups:
            writer.write_table(_table(schema, group))
    return path


def _table(schema: pa.Schema, group: list[Row]) -> pa.Table:
    columns: dict[str, list[Any]] = {NAME: [row.name for row in group]}
    for column in schema.names[1:]:
        columns[column] = [{"bytes": row.files[column][1], "path": row.files[column][0]} for row in group]
    return pa.table(columns, schema=schema)
