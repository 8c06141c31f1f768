"""What is published of a dataset: Parquet files with its images as they are, sample pairs, and a card."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from i2i import __version__, images, safe_yaml
from i2i.data.tables.columns import find_pair
from i2i.data.tables.contract import Table
from i2i.data.tables.detect import open_table, splits_of
from i2i.errors import DataError
from i2i.files import make_folder
from i2i.preparation.dataset import DatasetFolder
from i2i.training.validation import spread
from i2i_hub.card import Card, render
from i2i_hub.parquet import Row, features_of, write_parquet
from i2i_hub.publishing import Publication

DATA = "data"
SAMPLES = "samples"
MAX_SAMPLES = 4
SPLITS = {"val": "validation"}
"""What the Hub calls a split, where it has a name of its own."""

STANDARD = ("imageA", "imageB")
SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}


class Provenance(NamedTuple):
    """How a dataset came about, as far as ``dataset.yaml`` tells."""

    preparer: str = ""
    options: Mapping[str, Any] = {}
    licence: str = ""
    attribution: str = ""


def assemble(path: str, folder: Path, repository: str, keys: Mapping[str, Any]) -> Publication:
    """Put all splits of a dataset into an empty folder.

    Args:
        path: The dataset, in any layout that is read.
        folder: Where to.
        repository: Its name on the Hub.
        keys: Further front matter, such as the licence.

    Raises:
        DataError: If something in the dataset cannot be published.
    """
    make_folder(folder / DATA)
    tables = {SPLITS.get(split, split): _sound(open_table(path, split)) for split in splits_of(path)}
    sizes = {}
    for split, table in tables.items():
        paths = write_parquet(folder / DATA, split, _columns(table), _rows(table))
        sizes[split] = {"name": split, "num_examples": len(table.names), "num_bytes": sum(map(_size, paths))}
    provenance = _provenance(Path(path))
    samples = _samples(next(iter(tables.values())), folder)
    columns = _columns(next(iter(tables.values())))
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
    return Publication(card, f"{sum(len(table.names) for table in tables.values())} pairs")


def _sound(table: Table) -> Table:
    if table.problems:
        raise DataError(f"{table.problems[0].message} `i2i data check` lists all that is wrong.")
    return table


def _columns(table: Table) -> dict[str, str]:
    """Column on the Hub -> column of the table; a pair of halves gets the names of a pair of files."""
    found = find_pair(table.columns)
    return {STANDARD[found.index(name)] if found == ("A", "B") else name: name for name in table.columns}


def _rows(table: Table) -> Iterator[Row]:
    for row, name in enumerate(table.names):
        yield Row(name, {column: _file(table, row, stored) for column, stored in _columns(table).items()})


def _file(table: Table, row: int, column: str) -> tuple[str, bytes]:
    """Name and bytes of an image: those of its own file, or a lossless one of its half of an A|B file."""
    if tuple(table.columns) != ("A", "B"):
        data = table.encoded(row, column)
        return f"{table.names[row]}.{table.header(row, column).format.lower()}", data
    pixels = table.picture(row, column).pixels
    suffix = images.suffix_for(pixels)
    return f"{table.names[row]}{suffix}", images.encode(pixels, suffix)


def _samples(table: Table, folder: Path) -> list[str]:
    make_folder(folder / SAMPLES)
    names = []
    for number, row in enumerate(spread(len(table.names), MAX_SAMPLES), start=1):
        for shown, column in _columns(table).items():
            picture = images.as_rgb(table.picture(row, column).pixels)
            images.write(folder / SAMPLES / f"{number}-{shown}.png", picture)
        names.append(f"{SAMPLES}/{number}")
    return names


def _provenance(path: Path) -> Provenance:
    """What ``dataset.yaml`` says, without the places on this machine that it names."""
    card = DatasetFolder(path).card
    if not card.is_file():
        return Provenance()
    said = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
    options = {name: value for name, value in dict(said.get("options") or {}).items() if not _is_path(value)}
    return Provenance(
        str(said.get("preparer", "")), options, str(said.get("licence") or ""), str(said.get("attribution") or "")
    )


def _is_path(value: object) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def _keys(
    provenance: Provenance, columns: Iterable[str], sizes: Mapping[str, Any], more: Mapping[str, Any]
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
