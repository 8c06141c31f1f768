"""Assemble what is published of a dataset: Parquet files with its images as they are, sample pairs, and a card."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pyarrow as pa
from datasets.features.features import FeatureType, generate_from_arrow_type

from i2i import images, safe_yaml
from i2i.data.order import spread
from i2i.data.tables.ab import SIDES
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.folders import FileTable
from i2i.data.tables.manifest import ListTable
from i2i.data.tables.table import Table
from i2i.errors import DataError, things
from i2i.images.formats import npy
from i2i.places import without_secrets
from i2i.prepared import CARD, HALVES
from i2i.splits import HUB_NAMES
from i2i.system.files import make_folder
from i2i_hub.card import DATA, MAX_SAMPLES, NOTES, Card, publishable, render_body, write_samples
from i2i_hub.parquet import NAME, Example, annotation_types, annotations_of, write_parquet

SPLIT_NAME, COLUMN_NAME = re.compile(r"\w+"), re.compile(r"\w[\w .-]*")
MANY = 3
"""Files that are named in a remark; of more, only how many there are."""


class Stored(NamedTuple):
    """A column of images, and what becomes of it on the Hub."""

    column: str
    name: str
    arrays: bool
    """Of ``.npy`` files, which are plain bytes to the ``datasets`` library."""


def assemble(
    path: str, wanted: Sequence[str], folder: Path, repository: str, keys: Mapping[str, Any]
) -> tuple[Card, str]:
    """Put all splits of a dataset into an empty folder.

    Args:
        path: The dataset, in any layout that is read.
        wanted: Its columns to publish; a pair of known names when empty.
        folder: Where to.
        repository: Its name on the Hub.
        keys: Further front matter, such as the licence.

    Returns:
        The card, and a title for the commit.

    Raises:
        DataError: If something in the dataset cannot be published.
    """
    make_folder(folder / DATA)
    provenance = _provenance(Path(path))
    tables = _tables(path, wanted)
    first = next(iter(tables.values()))
    stored = _stored(first)
    found = annotation_types(tables.values())
    if provenance["preparer"]:
        found.pop("source", None)  # by which a preparer notes the file of its maker
    taken = {NAME, *(column.name for column in stored)}
    notes = {name: kind for name, kind in found.items() if kind and name not in taken and COLUMN_NAME.fullmatch(name)}
    features = _features(stored, notes)
    schema = features.arrow_schema  # which says to the datasets library and the Hub what is an image
    for split, table in tables.items():
        write_parquet(folder / DATA, split, schema, _rows(table, stored, [*notes]))
    _remark_left_out(path, first, sorted(found.keys() - notes.keys()))
    _remark_elsewhere(path, tables.values())
    rows = spread(len(first.names), MAX_SAMPLES)
    body = render_body(
        "dataset_card.md.j2",
        repository=repository,
        provenance=provenance,
        splits={split: len(table.names) for split, table in tables.items()},
        columns=[column.name for column in stored],
        values=[*notes],
        halved=_is_halved(first),
        samples=write_samples(
            folder, ({name: first.picture(row, column).pixels for column, name, _ in stored} for row in rows)
        ),
    )
    front: dict[str, Any] = {
        **({"license": provenance["licence"]} if provenance["licence"] else {}),
        "task_categories": ["image-to-image"],
        "tags": ["i2i", "image-to-image", *filter(None, [provenance["preparer"]])],
        **keys,
    }
    return Card(front, body), things(sum(len(table.names) for table in tables.values()), "pair")


def _provenance(path: Path) -> dict[str, Any]:
    """Return what ``dataset.yaml`` says of how a dataset came about, without the places on this machine that it names.

    Returns:
        The texts ``preparer``, ``licence``, ``attribution`` and ``terms``, and the ``options`` and ``facts`` by name.

    Raises:
        DataError: If the file is damaged.
    """
    card = path / CARD
    said: Any = {}
    if card.is_file():
        try:
            said = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
        except UnicodeDecodeError:
            said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in ("options", "facts")):
        raise DataError(f"{str(card)!r} is damaged: it is no text of names and values. Mend or remove it.")
    return {
        **{name: str(said.get(name) or "") for name in ("preparer", "licence", "attribution", "terms")},
        **{
            name: {key: publishable(value) for key, value in said.get(name, {}).items() if value is not None}
            for name in ("options", "facts")
        },
    }


def _tables(path: str, wanted: Sequence[str]) -> dict[str, Table]:
    """Return the splits by their names on the Hub, without a fault and alike.

    Raises:
        DataError: If they are not.
    """
    where = without_secrets(path)
    tables: dict[str, Table] = {}
    for split in splits_of(path, columns=wanted):
        if SPLIT_NAME.fullmatch(split) is None:
            raise DataError(f"{where} has a split {split!r}, which the Hub cannot have. Rename it: letters and digits.")
        table = open_table(path, split, columns=wanted)
        if table.problems:
            raise DataError(f"{table.problems[0].message} `i2i data check` lists all that is wrong.")
        if odd := [column for column in table.columns if COLUMN_NAME.fullmatch(column) is None]:
            raise DataError(f"{where} has a column {odd[0]!r}. Rename it: letters, digits, spaces, dots and hyphens.")
        first = next(iter(tables.values()), table)
        if tuple(table.columns) != tuple(first.columns):
            raise DataError(
                f"{where} has the columns {', '.join(first.columns)} in one split and {', '.join(table.columns)} in "
                f"{split!r}. A dataset on the Hub has the same ones in all. Rename them."
            )
        tables[HUB_NAMES.get(split, split)] = table
    return tables


def _is_halved(table: Table) -> bool:
    return tuple(table.columns) == SIDES


def _stored(table: Table) -> list[Stored]:
    """Return what becomes of each column; a pair of halves gets the names of a pair of files."""
    names = dict(zip(SIDES, HALVES, strict=True)) if _is_halved(table) else {}
    return [
        Stored(column, names.get(column, column), bool(table.names) and _is_array(table, 0, column))
        for column in table.columns
    ]


def _is_array(table: Table, row: int, column: str) -> bool:
    return table.header(row, column).format == "NPY"


def _features(stored: Sequence[Stored], notes: Mapping[str, pa.DataType]) -> datasets.Features:
    columns: dict[str, FeatureType] = {NAME: datasets.Value("string")}
    for column in stored:
        columns[column.name] = datasets.Value("binary") if column.arrays else datasets.Image()
    return datasets.Features(columns | {name: generate_from_arrow_type(kind) for name, kind in notes.items()})


def _rows(table: Table, stored: Sequence[Stored], notes: Sequence[str]) -> Iterator[Example]:
    said = annotations_of(table)
    for row, name in enumerate(table.names):
        values = next(said) if notes else {}
        files = {column.name: _file(table, row, column) for column in stored}
        yield {NAME: name, **files, **{key: publishable(values.get(key)) for key in notes}}


def _file(table: Table, row: int, stored: Stored) -> Any:
    """Return an image's own bytes, or those of a lossless file of its half of an A|B file.

    Raises:
        DataError: If it is not what the column holds, or holds anything but numbers.
    """
    name, column = table.names[row], stored.column
    if stored.arrays != _is_array(table, row, column):
        raise DataError(f"Column {column!r} has both .npy files and other images, such as {name!r}. Use one kind.")
    if _is_halved(table):
        pixels = table.picture(row, column).pixels
        suffix = images.suffix_for(pixels)
        return {"bytes": images.encode(pixels, suffix), "path": f"{name}{suffix}"}
    data = table.encoded(row, column)
    if not stored.arrays:
        return {"bytes": data, "path": f"{name}.{table.header(row, column).format.lower()}"}
    _check_array(data, f"{name!r} in column {column!r}")
    return data


def _check_array(data: bytes, where: str) -> None:
    """Refuse a ``.npy`` file of pickled objects, or with anything behind its numbers: people load what is published.

    Raises:
        DataError: If it is one.
    """
    try:
        refusal = npy.read_header(BytesIO(data)).refusal
        if not refusal:
            npy.decode(data)
    except (ValueError, EOFError) as error:
        refusal = f"is damaged: {str(error) or 'it is cut'}. Save it again"
    if refusal:
        raise DataError(f"{where} {refusal}.")


def _remark_left_out(path: str, table: Table, notes: Sequence[str]) -> None:
    """Say which columns are not published."""
    others = {folder.name for folder in Path(path).glob("train/*") if folder.is_dir()} - set(table.columns)
    if isinstance(table, ListTable):
        others = {*table.unread}
    if others and not _is_halved(table):
        NOTES.warning("Not published: %s. Name every column that shall be with --column.", ", ".join(sorted(others)))
    if notes:
        NOTES.warning(
            "Not published: %s. A column that holds no images has text, numbers, or lists of numbers, one kind in all "
            "rows, and a name of its own, of letters, digits, spaces, dots and hyphens.",
            ", ".join(notes),
        )


def _remark_elsewhere(path: str, tables: Iterable[Table]) -> None:
    """Say which files a list, or a link, takes from outside the dataset's folder."""
    given = Path(path).resolve()
    home = given if given.is_dir() else given.parent
    files = (file for table in tables if isinstance(table, FileTable) for row in table.files for file in row)
    outside = {file: None for file in files if not Path(file).resolve().is_relative_to(home)}
    if outside:
        more = f" and {len(outside) - MANY} more" if len(outside) > MANY else ""
        NOTES.warning("Published from outside of %r: %s%s.", str(home), ", ".join([*outside][:MANY]), more)
