"""Sets whose card, ``README.md``, says which files are of which split, as on the Hub; and those of Arrow files.

Which files there are is asked of the ``datasets`` library, which knows configurations and patterns. They are read as
everywhere else. A set on the Hub is read in this way where it lies, without downloading it first.
"""

import os
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from i2i.data.tables import hub, manifest, stored, webdataset
from i2i.data.tables.hub import Address, is_saved, parse_address
from i2i.data.tables.lists import ENDINGS, stands_for_folder
from i2i.data.tables.stored import DataFile
from i2i.data.tables.table import Table
from i2i.errors import DataError, I2iError, UsageError
from i2i.places import is_url

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder

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


def streamed_layout(root: str, layout: str) -> Literal["datafiles"]:
    """The layout of a set that is streamed.

    Raises:
        UsageError: If it is no set on the Hub, or another layout is said.
    """
    if parse_address(root) is None:
        raise UsageError(f"{root!r} cannot be streamed. Write hf://USER/NAME, or leave dataset.streaming away.")
    if layout not in ("auto", "datafiles"):
        raise UsageError(f"A set that is streamed is read by its card, not as {layout!r}. Leave dataset.layout away.")
    return "datafiles"


def address_of(root: str, *, arrow: bool = True) -> Address | None:
    """The set that this is: on the Hub, a folder with a card or Arrow files, or such a folder and its configuration."""
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
    """Whether a card says which files of a folder are read, or of which configuration this is the name."""
    address = None if is_url(root) else address_of(root, arrow=False)
    return address is not None


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """See `i2i.data.tables.table.Layout`."""
    if (address := address_of(root)) is None:
        return []
    kind, files = _files(root, address)
    if kind == "parquet":
        from i2i.data.tables import parquet

        return parquet.splits_among(files, columns, remote=is_url(root))
    if kind == "arrow":
        from i2i.data.tables import arrow

        return arrow.splits_among(_arrow_sets(root, address))
    return list(files)


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.table.Layout`."""
    address = address_of(root)
    assert address is not None, "it has splits"
    kind, files = _files(root, address)
    if kind == "parquet":
        from i2i.data.tables import parquet

        return parquet.open_among(files, split, columns, remote=is_url(root))
    if kind == "arrow":
        from i2i.data.tables import arrow

        sets = _arrow_sets(root, address)
        return arrow.open_among(sets, split, columns, where=address.name, layout="Arrow files")
    found = files[split]
    match kind:
        case "webdataset":
            if packed := next((file.url for file in found if not file.url.endswith(webdataset.SUFFIX)), None):
                raise DataError(f"{packed} is compressed. Unpack it to a plain .tar, and name that in {README}.")
            return webdataset.TarTable(found, columns, remote=is_url(root))
        case "imagefolder":
            lists = [Path(file.url) for file in found if stands_for_folder(os.path.basename(file.url))]
        case _:
            lists = [Path(file.url) for file in found if file.url.endswith(ENDINGS)]
    if len(lists) != 1:
        raise DataError(
            f"{root} has {len(lists)} lists of image files for {split!r}, such as metadata.jsonl, and no other files "
            "that pairs are read from. Write one list for each split."
        )
    return manifest.open_list(lists[0], split, columns)


def refuse_lists(root: str) -> None:
    """Stop at lists of files that the card does not name.

    Raises:
        DataError: If there are any.
    """
    address = address_of(root)
    assert address is not None, "it has splits"
    named = {os.path.realpath(file.url) for files in _files(root, address).splits.values() for file in files}
    for file in manifest.find_lists(address.name).values():
        if os.path.realpath(file) not in named:
            raise DataError(
                f"{file} is a list that {README} beside it does not name. Move one away, or say which is meant: "
                "--set dataset.layout=manifest or dataset.layout=datafiles."
            )


def _configurations(folder: str) -> list[str]:
    """Those that the card of a folder names; most have no card, or a README that is none.

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
    return _streamed(root, address) if is_url(root) else _resolved(root, _builder(root, address))


def _arrow_sets(root: str, address: Address) -> Mapping[str, "Dataset"]:
    from datasets import load_dataset

    return dict(hub.ask(root, address, load_dataset))


def _builder(root: str, address: Address, **options: str) -> "DatasetBuilder":
    from datasets import load_dataset_builder

    return hub.ask(root, address, load_dataset_builder, **options)


def _resolved(root: str, builder: "DatasetBuilder") -> DataFiles:
    base, files = str(builder.base_path), builder.config.data_files or {}
    splits = {str(split): [_shard(root, base, url) for url in urls] for split, urls in files.items()}
    return DataFiles(type(builder).__module__.rpartition(".")[2], splits)


def _shard(root: str, base: str, url: str) -> DataFile:
    # the card says which files to read: they may only be ones that came with it
    inside = url.startswith(f"{base}/") and ".." not in url.split("/")
    if not inside:
        raise DataError(f"The card of {root} names {url!r}, which is no file of the set. Correct {README}.")
    return DataFile(url, os.path.splitext(url.removeprefix(f"{base}/"))[0])


@lru_cache
def _streamed(root: str, address: Address) -> DataFiles:
    """The files of a set on the Hub, or those that the Hub has made of it.

    Raises:
        DataError: If there are none that can be streamed, or they are only a part of the set.
    """
    builder = _builder(root, address)
    files = _resolved(root, builder)
    if files.kind not in STREAMED and address.revision is None:
        try:
            converted = _builder(root, Address(address.name, CONVERTED), data_dir=builder.config.name)
        except I2iError:
            pass
        else:
            files = _resolved(root, converted)
    if files.kind not in STREAMED:
        raise DataError(f"{root} has no Parquet files or shards to stream. Leave dataset.streaming away.")
    if any("/partial-" in file.url for found in files.splits.values() for file in found):
        raise DataError(f"{root}: the Hub has converted only a part of it to Parquet. Leave dataset.streaming away.")
    return files
