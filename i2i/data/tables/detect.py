"""Finds out how a dataset is stored, and opens it."""

from collections.abc import Sequence
from importlib import import_module
from os import PathLike, fspath, path
from pathlib import Path
from typing import Literal

from i2i.data.tables import ab, datafiles, hub, manifest, shards
from i2i.data.tables.strays import refuse_doubles, refuse_strays
from i2i.data.tables.table import Layout, Table
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError
from i2i.places import is_url
from i2i.plugins import suggest
from i2i.splits import in_order, our_name

LayoutName = Literal["folders", "twofolders", "datafiles", "manifest", "parquet", "webdataset", "hub", "ab"]
LayoutChoice = LayoutName | Literal["auto"]
"""A layout, or that it be found out."""
LAYOUTS: dict[LayoutName, str] = {
    "folders": "imageA/NAME and imageB/NAME in each split's folder",
    "twofolders": "trainA/NAME and trainB/NAME, or A/train/NAME and B/train/NAME, or A/NAME and B/NAME",
    "datafiles": "files that README.md names for each split, or Arrow files",
    "manifest": "a list of files, as metadata.jsonl, manifest.jsonl or manifest.csv",
    "parquet": "Parquet files with the images in their columns",
    "webdataset": "WebDataset shards, .tar files",
    "hub": "a dataset of the Hugging Face Hub, hf://USER/NAME, or what the datasets library saved on disk",
    "ab": "A|B files, NAME in each split's folder, A left and B right",
}
"""In the order in which they are looked for: A|B files last, since they are any images in a folder. A list at the top
comes before folders, see `i2i.data.tables.manifest.leads`."""

PACKED = (".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z")
"""Archives in which nothing is found without reading all before it, or by no layout."""

FOLDERS: frozenset[LayoutName] = frozenset({"folders", "twofolders", "ab"})
"""Layouts in which folders are what tells splits apart."""


def splits_of(root: str | PathLike[str], layout: LayoutChoice = "auto", columns: Sequence[str] = ()) -> list[str]:
    """The splits of a dataset, by the names that they have in it; see `open_table`.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice.
        UsageError: If the layout is recognised, and its columns are others.
    """
    return list(_recognised(fspath(root), layout, columns)[1])


def open_table(
    root: str | PathLike[str],
    split: str,
    layout: LayoutChoice = "auto",
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
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice or cannot be
            read.
        UsageError: If the layout is recognised, and its columns are others.
    """
    root = fspath(root)
    module, stored = _recognised(root, layout, columns)
    if (found := next((name for name in stored if our_name(name) == split or name == split), None)) is None:
        there = ", ".join(map(repr, stored))
        raise MissingSplitError(f"{root} has no split {split!r}, it has {there}. Training needs 'train'.")
    return module.open_split(root, found, columns)


def _recognised(root: str, layout: LayoutChoice, columns: Sequence[str]) -> tuple[Layout, Sequence[str]]:
    """The layout, and the splits that it finds."""
    if not is_url(root) and not path.exists(root) and not datafiles.address_of(root):
        hint = " Write hf:// in front of a dataset of the Hugging Face Hub." if root.count("/") == 1 else ""
        raise MissingInputError(f"There is no dataset {root!r}.{hint}")
    for name in _likely(root, columns) if layout == "auto" else [layout]:
        module: Layout = import_module(f"i2i.data.tables.{name}")
        if splits := in_order(module.splits(root, columns)):
            refuse_doubles(root, splits)
            if name in FOLDERS or (name == "manifest" and not manifest.whole_list(root)):
                wanted = f", with {' and '.join(columns)}" if columns else ""
                refuse_strays(root, splits, columns, f"{LAYOUTS[name]}{wanted}")
            if name == "ab" and layout == "auto":
                _refuse_columns(root, splits)
            return module, splits
    if path.isfile(root) and (flaw := manifest.flaw(root, columns)):
        raise DataError(f"{root} cannot be used as a list of pairs. {flaw}")
    if columns:
        _refuse_others(root, layout, columns)
    if packed := next((file.url for file in shards.find(root, "") if file.url.lower().endswith(PACKED)), None):
        raise DataError(f"{packed} is packed, and nothing else there is laid out as pairs. Unpack it.")
    if not is_url(root) and ab.holds_single_images(root):
        raise DataError(
            f"{root} holds single images and no pairs. A preparer such as edges makes pairs out of such images, and "
            "`i2i prepare concat` out of two folders of them."
        )
    if layout != "auto":
        raise DataError(f"{root} is not laid out as {layout!r}. Expected {LAYOUTS[layout]}.")
    if is_url(root):
        raise DataError(
            f"{root} is an address, at which only Parquet files and WebDataset shards are read. "
            "Download a dataset folder, then give the copy."
        )
    if sizes := ab.sizes_of_loose(root):
        raise DataError(_about_loose(root, sizes))
    known = "; or ".join(LAYOUTS.values())
    message = f"{root} is not laid out as pairs. Expected {known}. `i2i prepare concat` makes them from two folders."
    raise DataError(message)


def _about_loose(root: str, sizes: Sequence[tuple[int, int]]) -> str:
    """What to do with images that lie in no folder of a split."""
    if all(width == 2 * height for width, height in sizes):
        width, height = sizes[0]
        return (
            f"{root} holds images and no folder of a split. They are {width}x{height}, as A|B files are: then move "
            f"them into {path.join(root, 'train')}, or run `i2i prepare split-ab {root} OUT`."
        )
    return (
        f"{root} holds single images and no pairs. Move A|B files into {path.join(root, 'train')}. A preparer such as "
        "edges makes pairs out of single images, and `i2i prepare concat` out of two folders of them."
    )


def _refuse_columns(root: str, splits: Sequence[str]) -> None:
    """Stop at folders that are rather columns of names that nobody knows than folders of A|B files.

    Raises:
        DataError: If there are any.
    """
    for split in splits:
        if columns := ab.columns_in(Path(root, split)):
            a, b = columns[:2]
            raise DataError(
                f"{path.join(root, split)} holds files of the same names in {', '.join(columns)}. Say which is what, "
                f"such as --set dataset.source=[{a}] --set dataset.target=[{b}]; or, if they are A|B files, "
                "--set dataset.layout=ab."
            )


def _refuse_others(root: str, layout: LayoutChoice, columns: Sequence[str]) -> None:
    """Say which columns a dataset has that is laid out as pairs, and has not those that the user named.

    Raises:
        UsageError: If there is one.
    """
    try:
        module, stored = _recognised(root, layout, ())
        there = module.open_split(root, stored[0], ()).columns
    except DataError:
        return
    missing = next((column for column in columns if column not in there), columns[0])
    raise UsageError(f"{root} has no column {missing!r}.{suggest(missing, there)} Columns: {', '.join(there)}.")


def _likely(root: str, columns: Sequence[str]) -> list[LayoutName]:
    """The layouts that are looked for: an address says much of what is behind it."""
    if is_url(root):
        return ["hub"] if hub.parse(root) else ["parquet", "webdataset"]
    written: list[LayoutName] = ["datafiles", "manifest"] if manifest.leads(root, columns) else []
    return list(dict.fromkeys([*written, *LAYOUTS]))
