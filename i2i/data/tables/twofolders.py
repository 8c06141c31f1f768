"""Two folders a split: ``trainA/NAME`` and ``trainB/NAME``, or ``A/train/NAME`` and ``B/train/NAME``.

``A/NAME`` and ``B/NAME`` alone are ``train``.
"""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.tables.files import FileTable, folders_in, match
from i2i.data.tables.names import PAIRS, among
from i2i.images import discover


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Splits of which both folders are there; see `Layout`."""
    return list(dict.fromkeys([*_joined(root), *_below(root, columns)])) or _undivided(root, columns)


def open_split(root: str, split: str, columns: Sequence[str]) -> FileTable:
    """Files of the same name in both folders; see `Layout`."""
    base = Path(root)
    if split in _joined(root):
        folders = {side: base / f"{split}{side}" for side in ("A", "B")}
    else:
        inner = split if split in _below(root, columns) else ""
        folders = {column: base / column / inner for column in among(folders_in(root), columns)}
    matched = match(base, folders)
    labels = " and ".join(folder.relative_to(base).as_posix() for folder in folders.values())
    return FileTable(f"folders {labels}", matched.names, list(folders), matched.files, matched.problems)


def _joined(root: str) -> list[str]:
    there = folders_in(root)
    pairs = [(name, f"{name[:-1]}B") for name in there if len(name) > 1 and name[-1] == "A"]
    return [a[:-1] for a, b in pairs if b in there and (a, b) not in PAIRS]


def _below(root: str, columns: Sequence[str]) -> list[str]:
    sides = among(folders_in(root), columns)
    shared = [set(folders_in(Path(root, side))) for side in sides]
    return sorted(set.intersection(*shared)) if shared else []


def _undivided(root: str, columns: Sequence[str]) -> list[str]:
    """``train`` where the folders of the columns hold all images that there are, as in lists without a split."""
    sides = among(folders_in(root), columns)
    return ["train"] if sides and all(discover([Path(root, side)]).names for side in sides) else []
