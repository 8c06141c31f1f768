"""Find what a list of files says of its rows besides the files: text, numbers and lists of numbers become columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from i2i.data.tables.manifest import ListTable
from i2i.data.tables.table import Table

PUBLISHED = (
    *(pa.string(), pa.int64(), pa.float64(), pa.bool_()),
    *(pa.list_(pa.int64()), pa.list_(pa.float64())),
)
BATCH = 1000
"""Rows whose types are looked at together."""


def find_annotations(tables: Iterable[Table]) -> dict[str, pa.DataType | None]:
    """Return the columns that all splits of a dataset get: one of `PUBLISHED`, None where nothing holds all values."""
    found: dict[str, pa.DataType | None] = {}
    for table in tables:
        rows = annotations_of(table)
        while batch := list(islice(rows, BATCH)):
            for name in {name: None for row in batch for name in row}:
                found[name] = _joined(found.get(name, pa.null()), [row.get(name) for row in batch])
    return {name: kind if kind in PUBLISHED else None for name, kind in found.items()}


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
