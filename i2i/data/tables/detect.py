"""Finds out how a dataset is stored, and opens it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike, fspath, path

from i2i.data.tables import refusals
from i2i.data.tables.ab import find_ab
from i2i.data.tables.datafiles import address_of, find_by_card, find_parquet, find_shards, has_card
from i2i.data.tables.folders import find_folders, find_two_folders, find_unpaired
from i2i.data.tables.hub import find_hub, parse_address
from i2i.data.tables.manifest import find_manifest
from i2i.data.tables.table import LAYOUTS, LayoutChoice, LayoutName, Part, Splits, Table
from i2i.errors import DataError, MissingInputError, MissingSplitError, UsageError, suggest
from i2i.places import is_url
from i2i.splits import drawn, in_order, our_name

FINDERS: Mapping[LayoutName, Callable[[str, Sequence[str]], Splits]] = {
    "manifest": find_manifest,
    "folders": find_folders,
    "twofolders": find_two_folders,
    "parquet": find_parquet,
    "webdataset": find_shards,
    "hub": find_hub,
    "datafiles": find_by_card,
    "ab": find_ab,
}
"""Each gives the splits of a place that is stored in its layout, and none of another; columns may be named by which a
layout is recognised. What is of the layout and damaged is a `DataError`."""


def splits_of(root: str | PathLike[str], layout: LayoutChoice = "auto", columns: Sequence[str] = ()) -> list[str]:
    """Return the splits of a dataset, by the names that they have in it; see `open_table`.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice.
        UsageError: If the layout is recognised, and its columns are others.
    """
    return [*_recognise(fspath(root), layout, columns)[1]]


def open_table(
    root: str | PathLike[str],
    split: str,
    layout: LayoutChoice = "auto",
    columns: Sequence[str] = (),
    match: str = "",
    val_share: float | None = None,
) -> Table:
    """Open one split of a dataset. The table's attribute ``layout`` says what was recognised.

    Args:
        root: A folder, a manifest, or an address such as ``hf://USER/NAME``.
        split: ``train``, ``val`` or ``test``, which others may call ``validation`` and so on; or a name of its own.
        layout: How it is stored, or ``auto`` to find out.
        columns: Those that every row must have; when empty, a pair of known names, or all.
        match: Expression whose first group files of one row share, where pairs are files in folders of columns.
        val_share: Part of ``train``, in 0..1, that is ``val`` where the set has no such split. The rows that are held
            out are the same ones everywhere, and still when rows are added to the set.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        MissingSplitError: If it has no such split.
        DataError: If the layout is not recognised, or not that of all splits, or a split is there twice or cannot be
            read; or if the share leaves one side empty.
        UsageError: If the layout is recognised, and its columns are others, or its files are not matched; or if a share
            is held out of a set that has a split ``val``.
    """
    root = fspath(root)
    name, splits = _recognise(root, layout, columns)
    if match and name not in ("folders", "twofolders"):
        raise UsageError(f"dataset.match pairs files in two folders, and {root} is {LAYOUTS[name]}. Leave it away.")
    held_out = val_share is not None and split in ("train", "val")
    if held_out and (own := [stored for stored in splits if our_name(stored) == "val"]):
        raise UsageError(f"{root} has a split {own[0]!r} already. Leave dataset.val_share away.")
    wanted = "train" if held_out else split
    stored = next((stored for stored in splits if wanted in (stored, our_name(stored))), None)
    if stored is None:
        raise _no_split(root, wanted, splits)
    table = splits[stored](match) if match else splits[stored]()
    return table if val_share is None or not held_out else _portion(root, table, split, val_share)


def _no_split(root: str, wanted: str, there: Iterable[str]) -> MissingSplitError:
    advice = "Training needs 'train'" if wanted == "train" else "Say one of these"
    return MissingSplitError(f"{root} has no split {wanted!r}, it has {', '.join(map(repr, there))}. {advice}.")


def open_unpaired(root: str | PathLike[str], split: str) -> dict[str, Table]:
    """Open one split of images that are no pairs, in two folders: column, A before B -> a table of its images alone.

    The folders are ``trainA`` and ``trainB``, or as pairs in folders have them; numbers and names may differ.

    Args:
        root: A folder.
        split: As for `open_table`.

    Raises:
        MissingInputError: If there is nothing at ``root``.
        MissingSplitError: If it has no such split.
        DataError: If there are no such folders, or one holds no images.
    """
    root = fspath(root)
    if not path.exists(root):
        raise MissingInputError(f"There is no dataset {root!r}.")
    found = find_unpaired(root)
    if not found:
        raise DataError(f"{root} holds no two folders of images a split, such as trainA and trainB.")
    stored = next((name for name in found if split in (name, our_name(name))), None)
    if stored is None:
        raise _no_split(root, split, in_order([*found]))
    if empty := next((table for table in found[stored].values() if not table.names), None):
        raise DataError(f"{root}: {empty.layout.partition(', ')[2]} holds no images. Put some in, or remove the split.")
    return dict(found[stored])


def _portion(root: str, table: Table, split: str, share: float) -> Table:
    """Return the rows of ``train`` that are ``val``, or those that are not."""
    rows = [row for row, key in enumerate(table.keys) if (drawn(key) < share) == (split == "val")]
    if table.names and not rows:
        said, other = ("none", "larger") if split == "val" else ("all of them", "smaller")
        raise DataError(
            f"dataset.val_share: {share:g} of the {len(table.names)} pairs of {root}, drawn by their names, is {said}. "
            f"Try a {other} share."
        )
    return Part(table, rows, f"{table.layout}, {share:g} of it held out")


def _recognise(root: str, layout: LayoutChoice, columns: Sequence[str]) -> tuple[LayoutName, Splits]:
    """Return the layout, and the splits that it finds, in order.

    Raises:
        I2iError: As `splits_of`.
    """
    if not is_url(root) and not path.exists(root) and not address_of(root):
        hint = " Write hf:// in front of a dataset of the Hugging Face Hub." if root.count("/") == 1 else ""
        raise MissingInputError(f"There is no dataset {root!r}.{hint}")
    for name in _likely(root) if layout == "auto" else [layout]:
        if found := FINDERS[name](root, columns):
            splits = {split: found[split] for split in in_order([*found])}
            refusals.refuse_strays(root, name, [*splits], columns, found_out=layout == "auto")
            return name, splits
    if columns:
        _refuse_others(root, layout, columns)
    raise refusals.not_pairs(root, layout)


def _refuse_others(root: str, layout: LayoutChoice, wanted: Sequence[str]) -> None:
    """Say which columns a dataset has that is laid out as pairs, and has not those that the user named.

    Raises:
        UsageError: If there is one.
    """
    try:
        _, splits = _recognise(root, layout, ())
        there = next(iter(splits.values()))().columns
    except DataError:
        return
    missing = next((column for column in wanted if column not in there), wanted[0])
    raise UsageError(f"{root} has no column {missing!r}.{suggest(missing, there)} Columns: {', '.join(there)}.")


def _likely(root: str) -> list[LayoutName]:
    """Return the layouts that are looked for: an address says much of what is behind it."""
    if is_url(root):
        return ["hub"] if parse_address(root) else ["parquet", "webdataset"]
    card: list[LayoutName] = ["datafiles"] if has_card(root) else []
    return [*card, *LAYOUTS]
