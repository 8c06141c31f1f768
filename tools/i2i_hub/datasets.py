"""What is published of a dataset: Parquet files with its images as they are, sample pairs, and a card."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from i2i import __version__, images, safe_yaml
from i2i.data.tables.contract import Table
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError
from i2i.files import make_folder
from i2i.preparation.dataset import DatasetFolder
from i2i.training.validation import spread
from i2i_hub.card import Card, render
from i2i_hub.parquet import Columns, Row, features_of, write_parquet
from i2i_hub.publishing import Publication

DATA = "data"
SAMPLES = "samples"
MAX_SAMPLES = 4
SPLITS = {"val": "validation"}
"""What the Hub calls a split, where it has a name of its own."""

HALVES, STANDARD = ("A", "B"), ("imageA", "imageB")
SPLIT_NAME = re.compile(r"\w+")
SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}


class Provenance(NamedTuple):
    """How a dataset came about, as far as ``dataset.yaml`` tells."""

    preparer: str = ""
    options: Mapping[str, Any] = {}
    licence: str = ""
    attribution: str = ""
    terms: str = ""


class Stored(NamedTuple):
    """A column of a table, and what becomes of it on the Hub."""

    column: str
    name: str
    kind: Literal["image", "binary"]


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
    tables = {
        SPLITS.get(split, split): _sound(open_table(path, split, columns=wanted))
        for split in splits_of(path, columns=wanted)
    }
    first = next(iter(tables.values()))
    stored = _stored(first)
    columns = {column.name: column.kind for column in stored}
    sizes = {}
    for split, table in tables.items():
        if SPLIT_NAME.fullmatch(split) is None:
            raise DataError(f"{path} has a split {split!r}, which the Hub cannot have. Rename it: letters and digits.")
        paths = write_parquet(folder / DATA, split, columns, _rows(table, stored))
        sizes[split] = {"name": split, "num_examples": len(table.names), "num_bytes": sum(map(_size, paths))}
    provenance = _provenance(Path(path))
    samples, remarks = _samples(first, stored, folder)
    remarks += _left_out(path, first)
    card = Card(
        _keys(provenance, columns, sizes, keys),
        render(
            "dataset_card.md.j2",
            name=repository.split("/")[1],
            repository=repository,
            provenance=provenance,
            splits={split: figures["num_examples"] for split, figures in sizes.items()},
            columns=columns,
            samples=samples,
            version=__version__,
        ),
    )
    return Publication(card, f"{sum(len(table.names) for table in tables.values())} pairs", remarks)


def _sound(table: Table) -> Table:
    if table.problems:
        raise DataError(f"{table.problems[0].message} `i2i data check` lists all that is wrong.")
    return table


def _stored(table: Table) -> list[Stored]:
    """What becomes of each column; a pair of halves gets the names of a pair of files."""
    names = dict(zip(HALVES, STANDARD, strict=True)) if tuple(table.columns) == HALVES else {}
    return [Stored(column, names.get(column, column), _kind(table, column)) for column in table.columns]


def _kind(table: Table, column: str) -> Literal["image", "binary"]:
    return "binary" if table.names and table.header(0, column).format == "NPY" else "image"


def _left_out(path: str, table: Table) -> list[str]:
    """A remark on the columns that are not published."""
    others = {folder.name for folder in Path(path).glob("train/*") if folder.is_dir()} - set(table.columns)
    if not others or tuple(table.columns) == HALVES:
        return []
    return [f"Not published: {', '.join(sorted(others))}. Name every column that shall be with --column."]


def _rows(table: Table, stored: Sequence[Stored]) -> Iterator[Row]:
    for row, name in enumerate(table.names):
        yield Row(name, {column.name: _file(table, row, column.column) for column in stored})


def _file(table: Table, row: int, column: str) -> tuple[str, bytes]:
    """Name and bytes of an image: those of its own file, or a lossless one of its half of an A|B file."""
    if tuple(table.columns) != HALVES:
        data = table.encoded(row, column)
        return f"{table.names[row]}.{table.header(row, column).format.lower()}", data
    pixels = table.picture(row, column).pixels
    suffix = images.suffix_for(pixels)
    return f"{table.names[row]}{suffix}", images.encode(pixels, suffix)


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
    if not isinstance(said, dict) or not isinstance(said.get("options", {}), dict):
        raise DataError(f"{str(card)!r} is damaged: it is no text of names and values. Mend or remove it.")
    options = {name: value for name, value in said.get("options", {}).items() if not _has_path(value)}
    texts = (str(said.get(name) or "") for name in ("licence", "attribution", "terms"))
    return Provenance(str(said.get("preparer") or ""), options, *texts)


def _has_path(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_path, value))
    if isinstance(value, dict):
        return any(map(_has_path, value.values()))
    return isinstance(value, str) and ("/" in value or "\\" in value)


def _keys(
    provenance: Provenance, columns: Columns, sizes: Mapping[str, Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    pairs = sum(figures["num_examples"] for figures in sizes.values())
    keys: dict[str, Any] = {
        "license": provenance.licence or None,
        "task_categories": ["image-to-image"],
        "tags": ["i2i", "image-to-image", *([provenance.preparer] if provenance.preparer else [])],
        "size_categories": [next((label for limit, label in SIZES.items() if pairs < limit), "n>10M")],
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


def _size(path: Path) -> int:
    return path.stat().st_size
