"""What is published of a dataset: Parquet files with its images as they are, sample pairs, and a card."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import pyarrow as pa

from i2i import __version__, images
from i2i.data.order import spread
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.listed import ListTable
from i2i.data.tables.table import Table
from i2i.errors import DataError
from i2i.preparation.folder import DatasetFolder
from i2i.system import safe_yaml
from i2i.system.files import make_folder
from i2i_hub.annotations import Annotations, annotations_of, find_annotations
from i2i_hub.card import Card, render
from i2i_hub.parquet import IMAGE, NAME, Columns, Row, features_of, write_parquet
from i2i_hub.publishing import Publication

DATA = "data"
SAMPLES = "samples"
MAX_SAMPLES = 4
SPLITS = {"val": "validation"}
"""What the Hub calls a split, where it has a name of its own."""

HALVES, STANDARD = ("A", "B"), ("imageA", "imageB")
SPLIT_NAME = re.compile(r"\w+")
ORDERS = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""Powers of ten from a thousand on, as the Hub writes them."""


class Provenance(NamedTuple):
    """How a dataset came about, as far as ``dataset.yaml`` tells."""

    preparer: str = ""
    options: Mapping[str, Any] = {}
    facts: Mapping[str, Any] = {}
    """How its sources were understood."""
    licence: str = ""
    attribution: str = ""
    terms: str = ""


class Stored(NamedTuple):
    """A column of a table, and what becomes of it on the Hub."""

    column: str
    name: str
    kind: pa.DataType


def assemble(path: str, wanted: Sequence[str], folder: Path, repository: str, keys: Mapping[str, Any]) -> Publication:
    """Put all splits of a dataset into an empty folder.

    Args:
        path: The dataset, in any layout that is read.
        wanted: Its columns to publish; a pair of known names when empty.
        folder: Where to.
        repository: Its name on the Hub.
        keys: Further front matter, such as the licence.

    Raises:
        DataError: If something in the dataset cannot be published.
    """
    make_folder(folder / DATA)
    tables = _tables(path, wanted)
    first = next(iter(tables.values()))
    stored = _stored(first)
    shown = [column.name for column in stored]
    notes = find_annotations(tables.values(), [NAME, *shown])
    columns = {column.name: column.kind for column in stored} | dict(notes.types)
    sizes = {}
    for split, table in tables.items():
        paths = write_parquet(folder / DATA, split, columns, _rows(table, stored, notes.types))
        sizes[split] = {"name": split, "num_examples": len(table.names), "num_bytes": sum(map(_size, paths))}
    provenance = _provenance(Path(path))
    samples, remarks = _samples(first, stored, folder)
    remarks += _left_out(path, first, notes)
    card = Card(
        _keys(provenance, columns, sizes, keys),
        render(
            "dataset_card.md.j2",
            name=repository.split("/")[1],
            repository=repository,
            provenance=provenance,
            splits={split: figures["num_examples"] for split, figures in sizes.items()},
            columns=shown,
            values=list(notes.types),
            halved=tuple(first.columns) == HALVES,
            samples=samples,
            version=__version__,
        ),
    )
    return Publication(card, f"{sum(len(table.names) for table in tables.values())} pairs", remarks)


def _tables(path: str, wanted: Sequence[str]) -> dict[str, Table]:
    """The splits by their names on the Hub, without a fault and alike.

    Raises:
        DataError: If they are not.
    """
    tables: dict[str, Table] = {}
    for split in splits_of(path, columns=wanted):
        if SPLIT_NAME.fullmatch(split) is None:
            raise DataError(f"{path} has a split {split!r}, which the Hub cannot have. Rename it: letters and digits.")
        table = open_table(path, split, columns=wanted)
        if table.problems:
            raise DataError(f"{table.problems[0].message} `i2i data check` lists all that is wrong.")
        first = next(iter(tables.values()), table)
        if tuple(table.columns) != tuple(first.columns):
            raise DataError(
                f"{path} has the columns {', '.join(first.columns)} in one split and {', '.join(table.columns)} in "
                f"{split!r}. A dataset on the Hub has the same ones in all. Rename them."
            )
        tables[SPLITS.get(split, split)] = table
    return tables


def _stored(table: Table) -> list[Stored]:
    """What becomes of each column; a pair of halves gets the names of a pair of files."""
    names = dict(zip(HALVES, STANDARD, strict=True)) if tuple(table.columns) == HALVES else {}
    return [
        Stored(column, names.get(column, column), _kind(table, 0, column) if table.names else IMAGE)
        for column in table.columns
    ]


def _kind(table: Table, row: int, column: str) -> pa.DataType:
    return pa.binary() if table.header(row, column).format == "NPY" else IMAGE


def _left_out(path: str, table: Table, notes: Annotations) -> list[str]:
    """Remarks on the columns that are not published."""
    remarks = []
    others = {folder.name for folder in Path(path).glob("train/*") if folder.is_dir()} - set(table.columns)
    if isinstance(table, ListTable):
        others = {*table.unread}
    if others and tuple(table.columns) != HALVES:
        remarks.append(f"Not published: {', '.join(sorted(others))}. Name every column that shall be with --column.")
    if notes.left_out:
        remarks.append(
            f"Not published: {', '.join(notes.left_out)}. A column that holds no images has text, numbers, or lists of "
            "numbers, one kind in all rows, and a name of its own."
        )
    return remarks


def _rows(table: Table, stored: Sequence[Stored], types: Columns) -> Iterator[Row]:
    notes = annotations_of(table)
    for row, name in enumerate(table.names):
        values = next(notes) if types else {}
        files = {column.name: _file(table, row, column) for column in stored}
        yield Row(name, files, {key: _public(values.get(key)) for key in types})


def _file(table: Table, row: int, stored: Stored) -> tuple[str, bytes]:
    """Name and bytes of an image: those of its own file, or a lossless one of its half of an A|B file."""
    name, column = table.names[row], stored.column
    if stored.kind != _kind(table, row, column):
        raise DataError(f"Column {column!r} has both .npy files and other images, such as {name!r}. Use one kind.")
    if tuple(table.columns) != HALVES:
        return f"{name}.{table.header(row, column).format.lower()}", table.encoded(row, column)
    pixels = table.picture(row, column).pixels
    suffix = images.suffix_for(pixels)
    return f"{name}{suffix}", images.encode(pixels, suffix)


def _samples(table: Table, stored: Sequence[Stored], folder: Path) -> tuple[list[str], list[str]]:
    """Pictures of some rows; returns what they are called, and why there are none."""
    make_folder(folder / SAMPLES)
    names = []
    try:
        for number, row in enumerate(spread(len(table.names), MAX_SAMPLES), start=1):
            for column in stored:
                picture = images.as_rgb(table.picture(row, column.column).pixels)
                images.write(folder / SAMPLES / f"{number}-{column.name}.png", picture)
            names.append(f"{SAMPLES}/{number}")
    except DataError as error:  # numbers whose range only the user knows
        shutil.rmtree(folder / SAMPLES)
        return [], [f"No samples: {error}"]
    return names, []


def _provenance(path: Path) -> Provenance:
    """What ``dataset.yaml`` says, without the places on this machine that it names.

    Raises:
        DataError: If the file is damaged.
    """
    card = DatasetFolder(path).card
    if not card.is_file():
        return Provenance()
    try:
        said = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
    except UnicodeDecodeError:
        said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in ("options", "facts")):
        raise DataError(f"{str(card)!r} is damaged: it is no text of names and values. Mend or remove it.")
    options, facts = (_public(said.get(name, {})) for name in ("options", "facts"))
    texts = (str(said.get(name) or "") for name in ("licence", "attribution", "terms"))
    return Provenance(str(said.get("preparer") or ""), options, facts, *texts)


def _public(value: Any) -> Any:
    """Plain data without what is not given, nor places on this machine: of an absolute path, its last part."""
    if isinstance(value, list):
        return [_public(item) for item in value]
    if isinstance(value, dict):
        return {name: _public(item) for name, item in value.items() if item is not None}
    if isinstance(value, str):
        absolute = [path for kind in (PurePosixPath, PureWindowsPath) if (path := kind(value)).is_absolute()]
        return absolute[0].name if absolute else value
    return value


def _keys(
    provenance: Provenance, columns: Columns, sizes: Mapping[str, Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    pairs = sum(figures["num_examples"] for figures in sizes.values())
    keys: dict[str, Any] = {
        "license": provenance.licence or None,
        "task_categories": ["image-to-image"],
        "tags": ["i2i", "image-to-image", *([provenance.preparer] if provenance.preparer else [])],
        "size_categories": [_size_category(pairs)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{DATA}/{split}-*.parquet"} for split in sizes],
            }
        ],
        "dataset_info": {
            "features": features_of(columns),
            "splits": list(sizes.values()),
            "dataset_size": sum(figures["num_bytes"] for figures in sizes.values()),
        },
        **more,
    }
    return {name: value for name, value in keys.items() if value is not None}


def _size_category(pairs: int) -> str:
    """What the Hub calls so many rows."""
    below = len(str(pairs)) - 3
    return "n<1K" if below < 1 else f"{ORDERS[below - 1]}<n<{ORDERS[below]}"


def _size(path: Path) -> int:
    return path.stat().st_size
