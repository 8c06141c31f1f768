"""Splits of a folder that would be passed over without a word."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from i2i.data.tables.files import folders_in
from i2i.data.tables.names import find_pair
from i2i.errors import DataError
from i2i.images import discover
from i2i.splits import SPLIT_NAMES, our_name


def refuse_doubles(root: str, stored: Sequence[str]) -> None:
    """Stop at splits that are one by two names, of which only the first would be read.

    Raises:
        DataError: If there are any.
    """
    first: dict[str, str] = {}
    for split in stored:
        if (other := first.setdefault(our_name(split), split)) != split:
            raise DataError(f"{root} has the splits {other!r} and {split!r}, which are one. Join or rename them.")


def refuse_strays(root: str, stored: Sequence[str], columns: Sequence[str], expected: str) -> None:
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


def _candidates(root: Path, columns: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Folders, and the split that each would be of: ``val``, ``valA``, ``A/val``."""
    there = folders_in(root)
    for side in columns or find_pair(there) or ():
        for name in folders_in(root / side):
            yield root / side / name, name
    for name in there:
        yield root / name, name
        if name.endswith(("A", "B")):
            yield root / name, name[:-1]
