"""Rows of images in Parquet files, as the ``datasets`` library and the Hub's viewer open them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

NAME = "name"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
ROWS_A_GROUP = 100
BYTES_A_GROUP = 64 * 2**20
"""Where a group of rows that are read together ends: small enough for the Hub's viewer and for random access."""

BYTES_A_FILE = 500_000_000
"""About the size of one file, as the Hub advises."""


Columns = Mapping[str, Literal["image", "binary"]]
"""Columns by name: images that the ``datasets`` library can open, or the bytes of files that only i2i can."""


class Row(NamedTuple):
    """A row, and the file name and bytes of each of its images."""

    name: str
    files: Mapping[str, tuple[str, bytes]]


def features_of(columns: Columns) -> list[dict[str, str]]:
    """Columns and their types, as the front matter of a card lists them."""
    return [{"name": NAME, "dtype": "string"}, *({"name": name, "dtype": kind} for name, kind in columns.items())]


def schema_of(columns: Columns) -> pa.Schema:
    """Types of Arrow, with the note by which the ``datasets`` library knows images."""
    features: dict[str, Any] = {NAME: {"dtype": "string", "_type": "Value"}}
    for name, kind in columns.items():
        features[name] = {"_type": "Image"} if kind == "image" else {"dtype": "binary", "_type": "Value"}
    note = json.dumps({"info": {"features": features}})
    fields = [(name, IMAGE if kind == "image" else pa.binary()) for name, kind in columns.items()]
    return pa.schema([(NAME, pa.string()), *fields], {"huggingface": note})


def write_parquet(folder: Path, split: str, columns: Columns, rows: Iterable[Row]) -> list[Path]:
    """Write a split, in as many files as it takes; equal rows make equal bytes.

    Args:
        folder: Where to.
        split: Its name on the Hub.
        columns: Those of the images.
        rows: Taken one at a time; no more than a row group is kept.

    Returns:
        ``SPLIT-00000-of-0000N.parquet`` and so on.
    """
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
        if len(group) == ROWS_A_GROUP or _bytes_of(group) >= BYTES_A_GROUP:
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
    for field in list(schema)[1:]:
        files = [row.files[field.name] for row in group]
        columns[field.name] = [{"bytes": d, "path": p} if field.type == IMAGE else d for p, d in files]
    return pa.table(columns, schema=schema)
