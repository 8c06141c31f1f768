"""Sets of a few large files: Parquet and WebDataset by their names, or as their card, ``README.md``, says.

Which files a card means is asked of the ``datasets`` library, which knows configurations and patterns. They are read as
everywhere else. A set on the Hub is read in this way where it lies, without downloading it first.
"""

import os
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from i2i.data.tables import hub, stored
from i2i.data.tables.hub import Address, is_saved, parse_address
from i2i.data.tables.lists import ENDINGS, FileList, stands_for_folder
from i2i.data.tables.manifest import find_lists, open_list
from i2i.data.tables.stored import DataFile
from i2i.data.tables.table import Splits, Table
from i2i.errors import DataError, I2iError, UsageError
from i2i.places import is_url

if TYPE_CHECKING:
    from datasets import DatasetBuilder

README = "README.md"
CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps its own conversion of each set to Parquet."""
STREAMED = ("parquet", "webdataset")
"""Kinds whose rows are found without reading all before them."""


class DataFiles(NamedTuple):
    """The files of a set."""

    kind: str
    """What the library calls them: ``parquet``, ``webdataset``, ``imagefolder``, ``arrow``, ..."""
    splits: Mapping[str, Sequence[DataFile]]


def find_parquet(root: str, columns: Sequence[str]) -> Splits:
    """Find Parquet files that say their split by name, or in a column."""
    return _open(root, DataFiles("parquet", stored.by_split(stored.find(root, ".parquet"))), columns)


def find_shards(root: str, columns: Sequence[str]) -> Splits:
    """Find WebDataset shards that say their split by name."""
    return _open(root, DataFiles("webdataset", stored.by_split(stored.find(root, ".tar"))), columns)


def find_by_card(root: str, columns: Sequence[str]) -> Splits:
    """Find the files that a card names, or Arrow files."""
    if (address := address_of(root)) is None:
        return {}
    files = _files(root, address)
    if files.kind != "arrow":
        return _open(root, files, columns)
    from datasets import load_dataset

    from i2i.data.tables.arrow import ArrowTable
    from i2i.data.tables.rows import find_in_rows

    sets = dict(hub.ask(root, address, load_dataset))
    return find_in_rows(sets, partial(ArrowTable, columns=columns, where=address.name, layout="Arrow files"))


def streamed_layout(root: str, layout: str) -> Literal["datafiles"]:
    """Return the layout of a set that is streamed.

    Raises:
        UsageError: If it is no set on the Hub, or another layout is said.
    """
    if parse_address(root) is None:
        raise UsageError(f"{root!r} cannot be streamed. Write hf://USER/NAME, or leave dataset.streaming away.")
    if layout not in ("auto", "datafiles"):
        raise UsageError(f"A set that is streamed is read by its card, not as {layout!r}. Leave dataset.layout away.")
    return "datafiles"


def address_of(root: str, *, arrow: bool = True) -> Address | None:
    """Return the set that this is: on the Hub, a folder with a card or Arrow files, or that and its configuration."""
    if is_url(root):
        return parse_address(root)
    whole = Address(os.path.realpath(root))
    if _configurations(root):
        return whole
    folder, name = os.path.split(os.path.abspath(root))
    if name in _configurations(folder):
        return Address(os.path.realpath(folder), config=name)
    return whole if arrow and os.path.isdir(root) and not is_saved(root) and stored.find(root, ".arrow") else None


def has_card(root: str) -> bool:
    """Check whether a card says which files of a folder are read, or of which configuration this is the name."""
    return not is_url(root) and address_of(root, arrow=False) is not None


def refuse_unnamed_lists(root: str) -> None:
    """Stop at lists of files that the card does not name.

    Raises:
        DataError: If there are any.
    """
    address = address_of(root)
    assert address is not None, "it has splits"
    named = {os.path.realpath(file.url) for files in _files(root, address).splits.values() for file in files}
    for listed in find_lists(address.name):
        if os.path.realpath(listed.file) not in named:
            raise DataError(
                f"{listed.file} is a list that {README} beside it does not name. Move one away, or say which is meant: "
                "--set dataset.layout=manifest or dataset.layout=datafiles."
            )


def _open(root: str, files: DataFiles, columns: Sequence[str]) -> Splits:
    """Return the splits of files, each with what opens it."""
    if not files.splits:
        return {}
    if files.kind == "parquet":
        from i2i.data.tables.parquet import ParquetTable
        from i2i.data.tables.rows import find_in_rows

        return find_in_rows(files.splits, partial(ParquetTable, columns=columns, remote=is_url(root)))
    open_files = _open_shards if files.kind == "webdataset" else partial(_open_lists, kind=files.kind)
    return {split: partial(open_files, root, split, found, columns) for split, found in files.splits.items()}


def _open_shards(root: str, split: str, found: Sequence[DataFile], columns: Sequence[str]) -> Table:
    from i2i.data.tables.webdataset import TarTable

    if packed := next((file.url for file in found if not file.url.endswith(".tar")), None):
        raise DataError(f"{packed} is compressed. Unpack it to a plain .tar, and name that in {README}.")
    return TarTable(found, columns, remote=is_url(root))


def _open_lists(root: str, split: str, found: Sequence[DataFile], columns: Sequence[str], *, kind: str) -> Table:
    names = {file.url: os.path.basename(file.url) for file in found}
    lists = [
        url
        for url, name in names.items()
        if (stands_for_folder(name) if kind == "imagefolder" else name.endswith(ENDINGS))
    ]
    if len(lists) != 1:
        raise DataError(
            f"{root} has {len(lists)} lists of image files for {split!r}, such as metadata.jsonl, and no other files "
            "that pairs are read from. Write one list for each split."
        )
    return open_list(FileList(Path(lists[0]), split), split, columns)


def _configurations(folder: str) -> list[str]:
    """Return those that the card of a folder names; most have no card, or a README that is none.

    Raises:
        DataError: If its front matter is damaged.
    """
    card = Path(folder, README)
    try:
        text = card.read_bytes()
    except OSError:
        return []
    if not text.removeprefix(BOM_UTF8).startswith(b"---") or b"\nconfigs:" not in text:
        return []
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    try:
        configs = (metadata_load(card) or {}).get("configs") or ()
    except (UnicodeDecodeError, YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"The card {card} cannot be read: {reason}. Mend it, or move it away.") from error
    return [str(config.get("config_name", "default")) for config in configs if isinstance(config, dict)]


def _files(root: str, address: Address) -> DataFiles:
    return _streamed(root, address) if is_url(root) else _resolve(root, _builder(root, address))


def _builder(root: str, address: Address, **options: str) -> "DatasetBuilder":
    from datasets import load_dataset_builder

    return hub.ask(root, address, load_dataset_builder, **options)


def _resolve(root: str, builder: "DatasetBuilder") -> DataFiles:
    base, files = str(builder.base_path), builder.config.data_files or {}
    splits = {str(split): [_data_file(root, base, url) for url in urls] for split, urls in files.items()}
    return DataFiles(type(builder).__module__.rpartition(".")[2], splits)


def _data_file(root: str, base: str, url: str) -> DataFile:
    # the card says which files to read: they may only be ones that came with it
    if not url.startswith(f"{base}/") or ".." in url.split("/"):
        raise DataError(f"The card of {root} names {url!r}, which is no file of the set. Correct {README}.")
    return DataFile(url, os.path.splitext(url.removeprefix(f"{base}/"))[0])


@lru_cache
def _streamed(root: str, address: Address) -> DataFiles:
    """Return the files of a set on the Hub, or those that the Hub has made of it.

    Raises:
        DataError: If there are none that can be streamed, or they are only a part of the set.
    """
    builder = _builder(root, address)
    files = _resolve(root, builder)
    if files.kind not in STREAMED and address.revision is None:
        try:
            converted = _builder(root, Address(address.name, CONVERTED), data_dir=builder.config.name)
        except I2iError:
            pass
        else:
            files = _resolve(root, converted)
    if files.kind not in STREAMED:
        raise DataError(f"{root} has no Parquet files or shards to stream. Leave dataset.streaming away.")
    if any("/partial-" in file.url for found in files.splits.values() for file in found):
        raise DataError(f"{root}: the Hub has converted only a part of it to Parquet. Leave dataset.streaming away.")
    return files
