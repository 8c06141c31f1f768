"""What is said of a place that is not laid out as pairs, or of what lies beside them and would be passed over."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from os import path
from pathlib import Path

from i2i.data.tables import stored
from i2i.data.tables.ab import LOOKED_AT, HalvesTable, are_halves, find_ab, holds_single_images, sizes_of
from i2i.data.tables.datafiles import refuse_unnamed_lists
from i2i.data.tables.folders import SEPARATORS, find_folders, find_two_folders, folders_in, refuse_leftovers
from i2i.data.tables.lists import ENDINGS, FileList, is_list
from i2i.data.tables.manifest import INSTEAD, are_single_images, find_lists
from i2i.data.tables.names import PAIRS, find_pair
from i2i.data.tables.table import LAYOUTS, LayoutChoice, LayoutName
from i2i.errors import DataError
from i2i.images import discover
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.places import is_url
from i2i.prepared import HALVES, IMAGES
from i2i.splits import SPLIT_NAMES, our_name

PACKED = (".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z")
"""Archives in which nothing is found without reading all before it, or by no layout."""
PLAIN = (*HALVES, "A", "B", "source", "target")
"""Names of columns that are hardly anything else: one of them alone lacks its partner."""
SAYS_SPLITS = re.compile(
    rf"({'|'.join(name for names in SPLIT_NAMES.values() for name in names)}|splits?|folds?)"
    r"([ _-](files|ids|images|list|names|pairs|split|splits))?",
    re.IGNORECASE,
)
"""What files are called that say which image is of which split."""
UNREAD = (*ENDINGS, ".list", ".lst", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml")
LARGEST = 16 * 2**20
"""Bytes of a JSON file of any name that is looked at: it may be an array, which is read as a whole."""


def refuse_strays(
    root: str, name: LayoutName, splits: Sequence[str], columns: Sequence[str], *, found_out: bool
) -> None:
    """Stop at what would be passed over without a word, and at images that nothing says are pairs.

    Args:
        root: The dataset.
        name: Its layout.
        splits: Those that were recognised, in order.
        columns: Those that the user named, if any.
        found_out: Whether the layout was found out, and not said by the user.

    Raises:
        DataError: If there is something.
    """
    _refuse_doubles(root, splits)
    lists = find_lists(root) if name == "manifest" else []
    if name in ("folders", "twofolders", "ab") or any(listed.split for listed in lists):
        wanted = f", with {' and '.join(columns)}" if columns else ""
        _refuse_folders(root, splits, columns, f"{LAYOUTS[name]}{wanted}")
    if name == "twofolders" or (name == "folders" and found_out):
        if found_out:
            _refuse_lists(root)
            _refuse_two_ways(root, columns)
        refuse_leftovers(root, columns)
    elif found_out and name == "datafiles" and not is_url(root):
        refuse_unnamed_lists(root)
    elif found_out and name == "ab":
        _refuse_photographs(root, splits)
        if not are_single_images(find_lists(root)):
            _refuse_lists(root)


def not_pairs(root: str, layout: LayoutChoice) -> DataError:
    """Return what to say of a place that is not recognised.

    Args:
        root: The place.
        layout: The layout that was looked for.
    """
    if packed := next((file.url for file in stored.find(root, "") if file.url.lower().endswith(PACKED)), None):
        return DataError(f"{packed} is packed, and nothing else there is laid out as pairs. Unpack it.")
    if is_url(root) and layout == "auto":
        return DataError(
            f"{root} is an address, at which only Parquet files and WebDataset shards are read. "
            "Download a dataset folder, then give the copy."
        )
    holds_images = IMAGES in folders_in(root) and not folders_in(path.join(root, IMAGES))
    if not is_url(root) and (holds_single_images(root) or holds_images):
        return DataError(f"{root} holds single images and no pairs. {_prepare(root)}")
    if layout != "auto":
        return DataError(f"{root} is not laid out as {layout!r}. Expected {LAYOUTS[layout]}.")
    for folder in (root, *(path.join(root, name) for name in folders_in(root))):
        for pair in PAIRS:
            if set(pair) <= set(PLAIN) and len(there := set(pair) & set(folders_in(folder))) == 1:
                (lacking,) = {*pair} - there
                return DataError(
                    f"{path.join(folder, *there)} has no folder {lacking} beside it. Add it, of the same names."
                )
    if images := _images_in(root):
        return _loose(root, images)
    known = "; or ".join(LAYOUTS.values())
    return DataError(
        f"{root} is not laid out as pairs. Expected {known}. `i2i prepare concat` makes them from two folders."
    )


def _refuse_doubles(root: str, splits: Sequence[str]) -> None:
    """Stop at splits that are one by two names, of which only the first would be read."""
    first: dict[str, str] = {}
    for split in splits:
        if (other := first.setdefault(our_name(split), split)) != split:
            raise DataError(f"{root} has the splits {other!r} and {split!r}, which are one. Join or rename them.")


def _refuse_folders(root: str, splits: Sequence[str], columns: Sequence[str], expected: str) -> None:
    """Stop at folders that are called like a split and hold images, and are not stored as the other splits are."""
    for folder, split in _called_like_splits(Path(root), columns):
        if our_name(split) in SPLIT_NAMES and split not in splits and discover([folder]).names:
            raise DataError(
                f"{folder} holds images, but no pairs as {', '.join(map(repr, splits))} "
                f"{'do' if len(splits) > 1 else 'does'}: {expected}. Store it alike, or move it away."
            )


def _called_like_splits(root: Path, columns: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield folders, and the split that each would be of: ``val``, ``valA``, ``val_A``, ``A/val``."""
    there = folders_in(root)
    for side in columns or find_pair(there) or ():
        yield from ((root / side / name, name) for name in folders_in(root / side))
    for name in there:
        yield root / name, name
        if name.endswith(("A", "B")):
            yield root / name, name[:-1].rstrip(SEPARATORS)


def _refuse_two_ways(root: str, columns: Sequence[str]) -> None:
    """Stop at pairs that are stored in two ways at once, of which only the first would be read."""
    one, other = find_folders(root, columns), find_two_folders(root, columns)
    if one and other:
        raise DataError(
            f"{root} holds pairs in the folder {next(iter(one))}, and others as two folders ({', '.join(other)}). Move "
            "some away, or say which are meant: --set dataset.layout=folders or dataset.layout=twofolders."
        )


def _refuse_lists(root: str) -> None:
    """Stop at lists beside folders of images that say something, and are not read."""
    if are_single_images(lists := find_lists(root)):
        listed = lists[0]
        raise DataError(f"{listed.file} cannot be used as a list of pairs. {listed.flaw(())} {INSTEAD}")
    for name in sorted(os.listdir(root)):
        stem, ending = path.splitext(name)
        file = Path(root, name)
        if ending.lower() in UNREAD and SAYS_SPLITS.fullmatch(stem) and file.is_file():
            raise DataError(
                f"{file} is called like a list of splits, and is not read. Write metadata.csv with columns of the "
                f"images and of the split instead. {INSTEAD}"
            )
        if is_list(name) and file.is_file() and _lists_pairs(file):
            raise DataError(f"{file} lists pairs of images. Give it as the data if it is meant. {INSTEAD}")


def _lists_pairs(file: Path) -> bool:
    if file.suffix.lower() == ".json" and file.stat().st_size > LARGEST:
        return False
    try:
        return len(FileList(file).images) > 1
    except DataError:  # nothing says that it is a list
        return False


def _refuse_photographs(root: str, splits: Sequence[str]) -> None:
    """Stop at images that nothing says are A|B files: in columns of unknown names, or not twice as wide as high."""
    for folder in (root, *(path.join(root, split) for split in splits)):
        if columns := _columns_in(Path(folder)):
            a, b = columns[:2]
            raise DataError(
                f"{folder} holds files of the same names in {', '.join(columns)}. Say which is what, such as --set "
                f"dataset.source=[{a}] --set dataset.target=[{b}]; or, if they are A|B files, --set dataset.layout=ab."
            )
    for open_split in find_ab(root, ()).values():
        table = open_split()
        assert isinstance(table, HalvesTable)
        if not table.problems and not are_halves(root, table):
            folder = path.dirname(table.files[0][0])
            raise DataError(
                f"{folder} holds single images: most are not twice as wide as high, as A|B files are. "
                f"{_prepare(folder)} If each of them is a pair, A on its left half, say --set dataset.layout=ab."
            )


def _columns_in(folder: Path) -> list[str]:
    """Return folders that hold all images, mostly of the same names: rather columns of some names than A|B files."""
    if len(folders_in(folder)) < 2:
        return []
    names = dict[str, set[str]]()
    for name in discover([folder]).names:
        top, below, rest = name.partition("/")
        if not below:
            return []
        names.setdefault(top, set()).add(without_suffix(rest))
    if len(names) < 2 or any(our_name(name) in SPLIT_NAMES for name in names):
        return []
    shared, every = set.intersection(*names.values()), set.union(*names.values())
    return sorted(names) if 2 * len(shared) >= len(every) else []


def _images_in(folder: str) -> list[Path]:
    """Return the images that lie in a folder itself, sorted."""
    names = sorted(os.listdir(folder)) if path.isdir(folder) else []
    return [Path(folder, name) for name in names if name[0] != "." and path.splitext(name)[1].lower() in SUFFIXES]


def _loose(root: str, images: Sequence[Path]) -> DataError:
    """Return what to do with images that lie in no folder of a split."""
    sizes = sizes_of(images[:LOOKED_AT])
    if sizes and all(width == 2 * height for width, height in sizes):
        width, height = sizes[0]
        return DataError(
            f"{root} holds images and no folder of a split. They are {width}x{height}, as A|B files are: then move "
            f"them into {path.join(root, 'train')}, or run `i2i prepare split-ab {shlex.quote(root)} OUT`."
        )
    return DataError(f"{root} holds single images and no pairs. {_prepare(root)}")


def _prepare(folder: str) -> str:
    """Return a command that makes pairs of single images."""
    name = folder.rstrip("/")
    command = shlex.join(["i2i", "prepare", "edges", name, f"{name}-pairs"])
    return f"Pairs are made of single images by preparers: `{command}`; of two folders, by `i2i prepare concat`."
