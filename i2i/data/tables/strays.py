"""What lies beside the pairs that were recognised, and would be passed over without a word."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from i2i.data.tables import folders, manifest, twofolders
from i2i.data.tables.files import folders_in
from i2i.data.tables.lists import ENDINGS, images_of, is_list
from i2i.data.tables.names import find_pair
from i2i.errors import DataError
from i2i.images import discover
from i2i.splits import SPLIT_NAMES, our_name

SAYS_SPLITS = re.compile(
    rf"(?P<split>{'|'.join(name for names in SPLIT_NAMES.values() for name in names)}|splits?|folds?)"
    r"([ _-](files|ids|images|list|names|pairs|split|splits))?",
    re.IGNORECASE,
)
"""What files are called that say which image is of which split."""
UNREAD = (*ENDINGS, ".list", ".lst", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml")
LARGEST = 16 * 2**20
"""Bytes of a JSON file of any name that is looked at: it may be an array, which is read as a whole."""


def refuse_doubles(root: str, stored: Sequence[str]) -> None:
    """Stop at splits that are one by two names, of which only the first would be read.

    Raises:
        DataError: If there are any.
    """
    first: dict[str, str] = {}
    for split in stored:
        if (other := first.setdefault(our_name(split), split)) != split:
            raise DataError(f"{root} has the splits {other!r} and {split!r}, which are one. Join or rename them.")


def refuse_folders(root: str, stored: Sequence[str], columns: Sequence[str], expected: str) -> None:
    """Stop at folders that are called like a split and hold images, and are not stored as the other splits are.

    Args:
        root: A folder.
        stored: The splits that were recognised.
        columns: Those that the user named, if any.
        expected: How they are stored, in words.

    Raises:
        DataError: If there is such a folder.
    """
    for folder, split in _candidates(Path(root), columns):
        if our_name(split) in SPLIT_NAMES and split not in stored and discover([folder]).names:
            raise DataError(
                f"{folder} holds images, but no pairs as {', '.join(map(repr, stored))} "
                f"{'do' if len(stored) > 1 else 'does'}: {expected}. Store it alike, or move it away."
            )


def refuse_pairs(root: str, columns: Sequence[str]) -> None:
    """Stop at pairs that are stored in two ways at once, of which only the first would be read.

    Raises:
        DataError: If there are any.
    """
    one, other = folders.splits(root, columns), twofolders.splits(root, columns)
    if one and other:
        raise DataError(
            f"{root} holds pairs in the folder {one[0]}, and others as two folders ({', '.join(other)}). Move some "
            "away, or say which are meant: --set dataset.layout=folders or dataset.layout=twofolders."
        )
    twofolders.refuse_leftovers(root, columns)


def refuse_lists(root: str) -> None:
    """Stop at lists beside folders of images that say something, and are not read.

    Raises:
        DataError: If there are any.
    """
    if found := manifest.single_images(root):
        file = next(iter(found.values()))
        raise DataError(f"{file} cannot be used as a list of pairs. {manifest.flaw(file, ())} {manifest.INSTEAD}")
    for name in sorted(os.listdir(root)):
        stem, ending = os.path.splitext(name)
        file = Path(root, name)
        if ending.lower() in UNREAD and SAYS_SPLITS.fullmatch(stem) and file.is_file():
            raise DataError(
                f"{file} is called like a list of splits, and is not read. Write metadata.csv with columns of the "
                f"images and of the split instead. {manifest.INSTEAD}"
            )
        if is_list(name) and file.is_file() and _lists_pairs(file):
            raise DataError(f"{file} lists pairs of images. Give it as the data if it is meant. {manifest.INSTEAD}")


def _lists_pairs(file: Path) -> bool:
    if file.suffix.lower() == ".json" and file.stat().st_size > LARGEST:
        return False
    try:
        return len(images_of(file)) > 1
    except DataError:  # nothing says that it is a list
        return False


def _candidates(root: Path, columns: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Folders, and the split that each would be of: ``val``, ``valA``, ``val_A``, ``A/val``."""
    there = folders_in(root)
    for side in columns or find_pair(there) or ():
        for name in folders_in(root / side):
            yield root / side / name, name
    for name in there:
        yield root / name, name
        if name.endswith(("A", "B")):
            yield root / name, name[:-1].rstrip(twofolders.SEPARATORS)
