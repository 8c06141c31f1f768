"""Sets of the Hugging Face Hub, ``hf://USER/NAME[@REVISION][/CONFIG]``, and those that ``save_to_disk`` wrote."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.data.tables import library
from i2i.data.tables.library import Address
from i2i.data.tables.table import Table
from i2i.places import is_url

if TYPE_CHECKING:
    from datasets import Dataset

ADDRESS = re.compile(
    r"hf://(?!datasets/|spaces/|buckets/)(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/convert/\w+|refs/pr/\d+|[^/@]+))?(?:/(?P<config>[^/@]+))?/?"
)
SAVED = ("dataset_dict.json", "dataset_info.json")
"""What ``save_to_disk`` leaves beside its Arrow files."""


def parse(root: str) -> Address | None:
    """The parts of an address; nothing where it is another kind of one, or a path.

    Example:
        >>> parse("hf://huggan/facades@main")
        Address(name='huggan/facades', revision='main', config=None)
    """
    found = ADDRESS.fullmatch(root)
    return Address(**found.groupdict()) if found else None


def is_saved(root: str) -> bool:
    """Whether ``save_to_disk`` wrote this folder."""
    return any(Path(root, name).is_file() for name in SAVED)


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.table.Layout`. A set on the Hub is downloaded, where the cache does not have it."""
    if parse(root) is None and (is_url(root) or not is_saved(root)):
        return []
    from i2i.data.tables import arrow

    return arrow.splits_among(_sets(root))


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.table.Layout`."""
    from i2i.data.tables import arrow

    layout = "Hugging Face Hub" if is_url(root) else "datasets library, save_to_disk"
    return arrow.open_among(_sets(root), split, columns, where=root, layout=layout)


def _sets(root: str) -> Mapping[str, "Dataset"]:
    address = parse(root)
    return _saved(root) if address is None else _downloaded(address)


@lru_cache
def _downloaded(address: Address) -> Mapping[str, "Dataset"]:
    """All splits, in the cache of the ``datasets`` library; nothing is decoded."""
    from datasets import load_dataset

    return dict(library.ask(f"hf://{address.name}", address, load_dataset))


def _saved(root: str) -> Mapping[str, "Dataset"]:
    from datasets import Dataset, load_from_disk

    with library.explained(root):
        saved = load_from_disk(root)
    return {"train": saved} if isinstance(saved, Dataset) else dict(saved)
