"""Finds out how a dataset is stored, and opens it."""

from collections.abc import Sequence
from importlib import import_module
from os import PathLike, fspath, path

from i2i.data.tables import datafiles, folders, hub, manifest, strays, twofolders
from i2i.data.tables.table import LAYOUTS, Layout, LayoutChoice, LayoutName, Table
from i2i.data.tables.unrecognised import columns_not_there, not_pairs, refuse_photographs
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError
from i2i.places import is_url
from i2i.splits import in_order, our_name

FOLDERS: frozenset[LayoutName] = frozenset({"folders", "twofolders", "ab"})
"""Layouts in which folders are what tells splits apart."""


def splits_of(root: str | PathLike[str], layout: LayoutChoice = "auto", columns: Sequence[str] = ()) -> list[str]:
    """The splits of a dataset, by the names that they have in it; see `open_table`.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice.
        UsageError: If the layout is recognised, and its columns are others.
    """
    return list(_recognised(fspath(root), layout, columns)[2])


def open_table(
    root: str | PathLike[str],
    split: str,
    layout: LayoutChoice = "auto",
    columns: Sequence[str] = (),
    match: str = "",
) -> Table:
    """One split of a dataset. Its attribute ``layout`` says what was recognised.

    Args:
        root: A folder, a manifest, or an address such as ``hf://USER/NAME``.
        split: ``train``, ``val`` or ``test``, which others may call ``validation`` and so on; or a name of its own.
        layout: How it is stored, or ``auto`` to find out.
        columns: Those that every row must have; when empty, a pair of known names, or all.
        match: Expression whose first group files of one row share, where pairs are files in folders of columns.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        MissingSplitError: If it has no such split.
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice or cannot be
            read.
        UsageError: If the layout is recognised, and its columns are others, or its files are not matched.
    """
    root = fspath(root)
    name, module, stored = _recognised(root, layout, columns)
    if (found := next((name for name in stored if our_name(name) == split or name == split), None)) is None:
        there = ", ".join(map(repr, stored))
        raise MissingSplitError(f"{root} has no split {split!r}, it has {there}. Training needs 'train'.")
    if not match:
        return module.open_split(root, found, columns)
    if name not in ("folders", "twofolders"):
        raise UsageError(f"dataset.match pairs files in two folders, and {root} is {LAYOUTS[name]}. Leave it away.")
    open_files = folders.open_split if name == "folders" else twofolders.open_split
    return open_files(root, found, columns, match)


def _recognised(root: str, layout: LayoutChoice, columns: Sequence[str]) -> tuple[LayoutName, Layout, Sequence[str]]:
    """The layout, and the splits that it finds."""
    if not is_url(root) and not path.exists(root) and not datafiles.address_of(root):
        hint = " Write hf:// in front of a dataset of the Hugging Face Hub." if root.count("/") == 1 else ""
        raise MissingInputError(f"There is no dataset {root!r}.{hint}")
    for name in _likely(root) if layout == "auto" else [layout]:
        module: Layout = import_module(f"i2i.data.tables.{name}")
        if splits := in_order(module.splits(root, columns)):
            _refuse_strays(root, name, splits, columns, found_out=layout == "auto")
            return name, module, splits
    if columns:
        _refuse_others(root, layout, columns)
    raise not_pairs(root, layout)


def _refuse_strays(
    root: str, name: LayoutName, splits: Sequence[str], columns: Sequence[str], *, found_out: bool
) -> None:
    """Stop at what would be passed over without a word, and at images that nothing says are pairs.

    Raises:
        DataError: If there is something.
    """
    strays.refuse_doubles(root, splits)
    if name in FOLDERS or (name == "manifest" and manifest.ALL not in manifest.find_lists(root)):
        wanted = f", with {' and '.join(columns)}" if columns else ""
        strays.refuse_folders(root, splits, columns, f"{LAYOUTS[name]}{wanted}")
    if found_out and name in ("folders", "twofolders"):
        strays.refuse_lists(root)
        strays.refuse_pairs(root, columns)
    elif name == "twofolders":
        twofolders.refuse_leftovers(root, columns)
    elif found_out and name == "datafiles" and not is_url(root):
        datafiles.refuse_lists(root)
    elif found_out and name == "ab":
        refuse_photographs(root, splits)
        if not manifest.single_images(root):
            strays.refuse_lists(root)


def _refuse_others(root: str, layout: LayoutChoice, columns: Sequence[str]) -> None:
    """Say which columns a dataset has that is laid out as pairs, and has not those that the user named.

    Raises:
        UsageError: If there is one.
    """
    try:
        _, module, stored = _recognised(root, layout, ())
        there = module.open_split(root, stored[0], ()).columns
    except DataError:
        return
    raise columns_not_there(root, columns, there)


def _likely(root: str) -> list[LayoutName]:
    """The layouts that are looked for: an address says much of what is behind it."""
    if is_url(root):
        return ["hub"] if hub.parse_address(root) else ["parquet", "webdataset"]
    card: list[LayoutName] = ["datafiles"] if datafiles.has_card(root) else []
    return [*card, *LAYOUTS]
