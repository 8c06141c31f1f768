"""What a list of files says of its rows besides the files: text, numbers and lists of numbers become columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from i2i.data.tables.listed import ListTable
from i2i.data.tables.table import Table

SCALARS = (pa.string(), pa.int64(), pa.float64(), pa.bool_())
LISTS = (pa.list_(pa.int64()), pa.list_(pa.float64()))
PUBLISHED = (*SCALARS, *LISTS)
BATCH = 1000
"""Rows whose types are looked at together."""


class Annotations(NamedTuple):
    """Columns beside the images."""

    types: Mapping[str, pa.DataType]
    """One of `PUBLISHED` by name."""
    left_out: Sequence[str]
    """Names of those that hold something else, or are called like another column."""


def find_annotations(tables: Iterable[Table], taken: Iterable[str]) -> Annotations:
    """The columns that all splits of a dataset get, of the types that hold the values of all rows.

    Args:
        tables: The splits.
        taken: Names that other columns have.
    """
    found: dict[str, pa.DataType | None] = {}
    for table in tables:
        rows = annotations_of(table)
        while batch := list(islice(rows, BATCH)):
            for name in {name: None for row in batch for name in row}:
                found[name] = _joined(found.get(name, pa.null()), _type([row.get(name) for row in batch]))
    types = {name: kind for name, kind in found.items() if kind in PUBLISHED and name not in {*taken}}
    return Annotations(types, sorted(found.keys() - types.keys()))


def annotations_of(table: Table) -> Iterator[Mapping[str, Any]]:
    """Those of each row, in order; nothing where the layout has none."""
    return table.annotations() if isinstance(table, ListTable) else iter(())


def _type(values: Sequence[Any]) -> pa.DataType | None:
    """What holds these values; None if nothing does."""
    try:
        return pa.array(values).type  # `pa.infer_type` does not look at all of them
    except (pa.ArrowException, OverflowError):
        return None


def _joined(one: pa.DataType | None, other: pa.DataType | None) -> pa.DataType | None:
    """What holds the values of both; None if nothing does."""
    if one is None or other is None:
        return None
    try:
        return pa.unify_schemas([pa.schema([("", one)]), pa.schema([("", other)])], promote_options="permissive")[
            0
        ].type
    except pa.ArrowException:
        return None
