"""Finds out how a dataset is stored, and opens it."""

from collections.abc import Sequence
from importlib import import_module
from os import PathLike, fspath, path
from typing import Literal

from i2i.data.tables import hub, shards
from i2i.data.tables.contract import Layout, Table
from i2i.errors import DataError, MissingInputError, MissingSplitError

LayoutName = Literal["folders", "twofolders", "manifest", "parquet", "webdataset", "hub", "ab"]
LAYOUTS: dict[LayoutName, str] = {
    "folders": "imageA/NAME and imageB/NAME in each split's folder",
    "twofolders": "trainA/NAME and trainB/NAME, or A/train/NAME and B/train/NAME",
    "manifest": "a list of files, as metadata.jsonl, manifest.jsonl or manifest.csv",
    "parquet": "Parquet files with the images in their columns",
    "webdataset": "WebDataset shards, .tar files",
    "hub": "a dataset of the Hugging Face Hub, hf://USER/NAME, or what the datasets library saved on disk",
    "ab": "A|B files, NAME in each split's folder, A left and B right",
}
"""In the order in which they are looked for: A|B files last, since they are any images in a folder."""

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "validation", "valid", "dev"),
    "test": ("test", "testing"),
}
"""What splits are called by us, and by others."""


def splits_of(root: str | PathLike[str], layout: LayoutName | Literal["auto"] = "auto") -> list[str]:
    """The splits of a dataset, by the names that they have in it.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        DataError: If the layout is not recognised.
    """
    return list(_recognised(fspath(root), layout, ())[1])


def open_table(
    root: str | PathLike[str],
    split: str,
    layout: LayoutName | Literal["auto"] = "auto",
    columns: Sequence[str] = (),
) -> Table:
    """One split of a dataset. Its attribute ``layout`` says what was recognised.

    Args:
        root: A folder, a manifest, or an address such as ``hf://USER/NAME``.
        split: ``train``, ``val`` or ``test``, which others may call ``validation`` and so on; or a name of its own.
        layout: How it is stored, or ``auto`` to find out.
        columns: Those that every row must have; when empty, a pair of known names, or all.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        MissingSplitError: If it has no such split.
        DataError: If the layout is not recognised, or the split cannot be read.
    """
    root = fspath(root)
    module, stored = _recognised(root, layout, columns)
    if (found := next((name for name in SPLIT_NAMES.get(split, (split,)) if name in stored), None)) is None:
        there = ", ".join(map(repr, stored))
        raise MissingSplitError(f"{root} has no split {split!r}, it has {there}. Training needs 'train'.")
    return module.open_split(root, found, columns)


def _recognised(
    root: str, layout: LayoutName | Literal["auto"], columns: Sequence[str]
) -> tuple[Layout, Sequence[str]]:
    """The layout, and the splits that it finds."""
    if not shards.is_url(root) and not path.exists(root):
        hint = " Write hf:// in front of a dataset of the Hugging Face Hub." if root.count("/") == 1 else ""
        raise MissingInputError(f"There is no dataset {root!r}.{hint}")
    for name in _likely(root) if layout == "auto" else [layout]:
        module: Layout = import_module(f"i2i.data.tables.{name}")
        if splits := module.splits(root, columns):
            return module, sorted(splits, key=_place)
    if layout != "auto":
        raise DataError(f"{root} is not laid out as {layout!r}. Expected {LAYOUTS[layout]}.")
    known = "; or ".join(LAYOUTS.values())
    message = f"{root} is not laid out as pairs. Expected {known}. `i2i prepare concat` makes them from two folders."
    raise DataError(message)


def _likely(root: str) -> list[LayoutName]:
    """The layouts that are looked for: an address says much of what is behind it."""
    if shards.is_url(root):
        return ["hub"] if hub.parse(root) else ["parquet", "webdataset"]
    return list(LAYOUTS)


def _place(split: str) -> tuple[int, str]:
    """Train, val, test, then others by name."""
    order = list(SPLIT_NAMES.values())
    return next((i for i, names in enumerate(order) if split in names), len(order)), split
