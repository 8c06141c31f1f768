"""Rows of a set of the ``datasets`` library, read where they lie in its memory-mapped Arrow files, never by Pillow."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Image, Value, config
from huggingface_hub.constants import HF_HUB_CACHE
from pyarrow import compute as pc

from i2i.data.tables.names import NAME_COLUMNS, distinct, images_among, is_text, names_split, split_column
from i2i.data.tables.parts import of_split, splits_said
from i2i.data.tables.table import REMEDY, EncodedTable, Problem, Table
from i2i.errors import DataError
from i2i.images.discovery import SUFFIXES
from i2i.images.formats.header import read_bytes

BYTES = (Value("binary"), Value("large_binary"))
SNAPSHOT = re.compile(r".*/snapshots/[0-9a-f]{40}/")
"""Where the cache of the Hub keeps the files of a set: different on each machine, and for each revision."""


def splits_among(sets: Mapping[str, Dataset]) -> list[str]:
    """The splits of a set; where it has but one, those that its rows say."""
    rows = next(iter(sets.values()))
    return splits_said(said) if len(sets) == 1 and (said := _said(rows)) else list(sets)


def open_among(sets: Mapping[str, Dataset], split: str, columns: Sequence[str], *, where: str, layout: str) -> Table:
    """The rows of a split that is one of `splits_among`; see `ArrowTable`.

    Raises:
        DataError: If rows say another split than theirs, or say it in a column that is not called so.
    """
    rows = sets[split] if split in sets else next(iter(sets.values()))
    table = ArrowTable(rows, columns, where=where, layout=layout)
    alone = len(sets) == 1
    columns_said = _said(rows) or (_hints(rows) if alone else {})
    said = {name: [values[row] for row in table.rows] for name, values in columns_said.items()}
    return of_split(table, said, split, where, alone=alone)


class ArrowTable(EncodedTable):
    """One split.

    Columns are those of images, of ``bytes`` with a ``path``, and of plain bytes; those of WebDataset are called as in
    `TarTable`, without suffix. Rows are named as in Parquet files; else by their number.

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
        self._where = where
        rows = rows.rename_columns(_short_names(rows.column_names))
        columns = _chosen(rows, columns, where)
        texts = [name for name in NAME_COLUMNS if name in rows.features and is_text(rows.data.schema.field(name).type)]
        rows = rows.with_format(None).select_columns(list(dict.fromkeys([*columns, *texts])))
        for column in columns:
            if isinstance(rows.features[column], Image):
                rows = rows.cast_column(column, Image(decode=False))
        self._columns = {column: rows.select_columns([column]) for column in columns}
        missing = sorted({row for column in columns for row in _missing(rows, column)})
        self.rows: Sequence[int] = sorted(set(range(len(rows))) - set(missing)) if missing else range(len(rows))
        problems = [
            Problem(str(row), "bad-row", f"Row {row} of {where} lacks an image. Mend or remove it.") for row in missing
        ]
        super().__init__(layout, self._names(rows, texts, columns[0]), columns, problems)

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file; see `Table`."""
        value = self._columns[column][self.rows[row]][column]
        data, path = (value["bytes"], value["path"]) if isinstance(value, dict) else (value, None)
        if data is None and path is not None:
            return self._file(row, column, Path(path))
        if not data:
            raise DataError(f"{self.where(row, column)} is empty. Mend or leave out this row.")
        return bytes(data)

    def where(self, row: int, column: str) -> str:
        """What errors call an image."""
        return f"{column} in row {self.rows[row]} of {self._where}"

    def _file(self, row: int, column: str, path: Path) -> bytes:
        # the set says which file to read: it may only be one that came with it
        homes = (Path(config.HF_DATASETS_CACHE), Path(HF_HUB_CACHE), Path(self._where))
        if not any(path.resolve().is_relative_to(home.resolve()) for home in homes):
            raise DataError(
                f"{self.where(row, column)} is a file outside the set, {str(path)!r}. Store the image in it."
            )
        return read_bytes(path, self.where(row, column))

    def _names(self, rows: Dataset, columns: Sequence[str], image: str) -> Sequence[str]:
        for column in (*columns, image):
            values = _stored(rows, column)
            files = column in (image, "file_name", "filename")
            if pa.types.is_struct(values.type):
                values = pc.struct_field(values, "path")
            elif not is_text(values.type):
                continue
            texts = [text and SNAPSHOT.sub("", text) for text in values.to_pylist()]
            if (names := distinct((texts[row] for row in self.rows), files=files)) is not None:
                return names
        return [str(row) for row in self.rows]


def _short_names(columns: Sequence[str]) -> dict[str, str]:
    """``imageA.png`` -> ``imageA``, where that is no other column."""
    short = {name: name[: -len(end)] for name in columns if (end := Path(name).suffix.lower()) in SUFFIXES}
    taken = [*columns, *short.values()]
    return {name: kept for name, kept in short.items() if taken.count(kept) == 1}


def _images(features: Features) -> list[str]:
    return [
        name
        for name, kind in features.items()
        if isinstance(kind, Image) or kind in BYTES or (isinstance(kind, Mapping) and {"bytes", "path"} <= kind.keys())
    ]


def _chosen(rows: Dataset, wanted: Sequence[str], where: str) -> list[str]:
    images = _images(rows.features)
    chosen = images_among(images, wanted, where)
    if not images:
        raise DataError(f"{where} has no columns of images: {', '.join(rows.column_names)}. {REMEDY}")
    return chosen or images


def _said(rows: Dataset) -> dict[str, list[object]]:
    """The column that says each row's split, and what it says; empty where there is none."""
    column = split_column(tuple(rows.column_names))
    return {} if column is None else {column: _values(rows, column)}


def _hints(rows: Dataset) -> dict[str, list[object]]:
    """Columns that hold nothing but names of splits."""
    columns = [name for name in rows.column_names if len(rows) and _is_readable(rows.features[name])]
    first = {name: _values(rows.select(range(1)), name) for name in columns}
    hints = {name: _values(rows, name) for name in columns if all(map(names_split, first[name]))}
    return {name: values for name, values in hints.items() if all(map(names_split, values))}


def _is_readable(kind: object) -> bool:
    return isinstance(kind, ClassLabel) or (isinstance(kind, Value) and kind.dtype in ("string", "large_string"))


def _values(rows: Dataset, column: str) -> list[object]:
    """A column as plain values; names for the numbers of classes."""
    kind, values = rows.features[column], list(rows.with_format(None)[column])
    return [kind.int2str(value) for value in values] if isinstance(kind, ClassLabel) else values


def _stored(rows: Dataset, column: str) -> pa.ChunkedArray:
    return rows.data.column(column)


def _missing(rows: Dataset, column: str) -> list[int]:
    """Rows without an image: neither its bytes, nor where they are."""
    values = _stored(rows, column)
    if pa.types.is_struct(values.type):
        data, path = (pc.struct_field(values, part) for part in ("bytes", "path"))
        nothing = pc.or_(pc.and_(pc.is_null(data), pc.is_null(path)), _is_empty(data))
    else:
        nothing = pc.or_(pc.is_null(values), _is_empty(values))
    return list(pc.indices_nonzero(nothing).to_pylist())


def _is_empty(data: pa.ChunkedArray) -> Any:
    """Whether there are no bytes; only where each begins is read."""
    return pc.fill_null(pc.equal(pc.binary_length(data), 0), False)
