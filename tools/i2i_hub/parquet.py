"""Rows of images in Parquet files, as the ``datasets`` library and the Hub's viewer open them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

NAME = "name"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
ROWS_A_GROUP = 100
BYTES_A_GROUP = 64 * 2**20
"""Where a group of rows that are read together ends: small enough for the Hub's viewer and for random access."""

BYTES_A_FILE = 500_000_000
"""About the size of one file, as the Hub advises."""


Columns = Mapping[str, pa.DataType]
"""Columns by name: `IMAGE` where the ``datasets`` library can open them, else plain bytes, numbers, text or lists."""


class Row(NamedTuple):
    """A row, the file name and bytes of each of its images, and its values in other columns."""

    name: str
    files: Mapping[str, tuple[str, bytes]]
    values: Mapping[str, Any] = {}


def features_of(columns: Columns) -> list[dict[str, str]]:
    """Columns and their types, as the front matter of a card lists them."""
    listed = [{"name": NAME, "dtype": "string"}]
    for name, kind in columns.items():
        if pa.types.is_list(kind):
            listed.append({"name": name, "sequence": _dtype(kind.value_type)})
        else:
            listed.append({"name": name, "dtype": "image" if kind == IMAGE else _dtype(kind)})
    return listed


def schema_of(columns: Columns) -> pa.Schema:
    """Types of Arrow, with the note by which the ``datasets`` library knows images."""
    features = {NAME: _feature(pa.string()), **{name: _feature(kind) for name, kind in columns.items()}}
    note = json.dumps({"info": {"features": features}})
    return pa.schema([(NAME, pa.string()), *columns.items()], {"huggingface": note})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """A type as the ``datasets`` library writes it."""
    if kind == IMAGE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    return {"dtype": _dtype(kind), "_type": "Value"}


def _dtype(kind: pa.DataType) -> str:
    return "float64" if kind == pa.float64() else str(kind)


def write_parquet(folder: Path, split: str, columns: Columns, rows: Iterable[Row]) -> list[Path]:
    """Write a split, in as many files as it takes; equal rows make equal bytes.

    Args:
        folder: Where to.
        split: Its name on the Hub.
        columns: All but the name.
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
        if field.name in group[0].files:
            files = [row.files[field.name] for row in group]
            columns[field.name] = [{"bytes": d, "path": p} if field.type == IMAGE else d for p, d in files]
        else:
            columns[field.name] = [row.values.get(field.name) for row in group]
    return pa.table(columns, schema=schema)
