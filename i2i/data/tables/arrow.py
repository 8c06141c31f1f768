"""Sets of the ``datasets`` library, read where they lie in its memory-mapped Arrow files, never by Pillow."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from datasets import ClassLabel, Dataset

from i2i.data.tables.names import names_split
from i2i.data.tables.rows import Group, RowTable, choose_images, whole_rows
from i2i.images.discovery import SUFFIXES


class ArrowTable(RowTable):
    """One split.

    Columns of WebDataset are called as in `TarTable`, without suffix.

    Args:
        rows: The split.
        columns: Those that every row must have; when empty, the pair that is found, or all.
        where: What the user called the set, for errors.
        layout: See `Table`.

    Raises:
        UsageError: If there is no such column.
        DataError: If there are no columns of images.
    """

    def __init__(self, rows: Dataset, columns: Sequence[str], *, where: str, layout: str) -> None:
        self._set = rows = rows.rename_columns(_short_names(rows.column_names))
        self.classes = {
            name: dict(enumerate(kind.names)) for name, kind in rows.features.items() if isinstance(kind, ClassLabel)
        }
        schema = rows.data.schema
        chosen = list(choose_images(schema, columns, where))
        whole = whole_rows(rows.data.table.select(chosen))
        super().__init__(layout, schema, chosen, [Group(where, "", 0, len(rows), whole)])

    def _images(self, group: int) -> pa.Table:
        return self._set.data.table

    def _load(self, group: int, leaves: Sequence[str]) -> pa.Table:
        return self._set.data.table

    def _may_name_splits(self, column: str) -> bool:
        first = self._set.data.table.column(column).slice(0, 1).to_pylist()
        return any(names_split(self.classes[column].get(value) if column in self.classes else value) for value in first)


def _short_names(columns: Sequence[str]) -> dict[str, str]:
    """Return ``imageA.png`` -> ``imageA``, where that is no other column."""
    short = {name: name[: -len(end)] for name in columns if (end := Path(name).suffix.lower()) in SUFFIXES}
    taken = [*columns, *short.values()]
    return {name: kept for name, kept in short.items() if taken.count(kept) == 1}
