"""Two folders a split: ``trainA/NAME`` and ``trainB/NAME``, or ``A/train/NAME`` and ``B/train/NAME``.

``A/NAME`` and ``B/NAME`` alone are ``train``, and so are folders in them of which none is called like a split.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from i2i.data.tables.files import FileTable, folders_in, match
from i2i.data.tables.names import PAIRS, among
from i2i.errors import DataError
from i2i.images import discover
from i2i.splits import SPLIT_NAMES, our_name

SEPARATORS = "_-. "
"""Between a split and a column, as in ``train_A``."""


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Splits of which all folders are there; see `Layout`."""
    return list(dict.fromkeys([*_joined(root, columns), *_below(root, columns)])) or _undivided(root, columns)


def open_split(root: str, split: str, columns: Sequence[str], partners: str = "") -> FileTable:
    """Files of the same name in all folders; see `Layout` and `i2i.data.tables.files.match`."""
    base = Path(root)
    folders: Mapping[str, Path]
    if found := _joined(root, columns).get(split):
        folders = {column: base / name for column, name in found.items()}
    else:
        inner = split if split in _below(root, columns) else ""
        folders = {column: base / column / inner for column in among(folders_in(root), columns)}
    return match(base, folders, partners)


def refuse_leftovers(root: str, columns: Sequence[str]) -> None:
    """Stop at images beside the folders of splits, in ``A`` or ``B``.

    Raises:
        DataError: If there are any.
    """
    below = _below(root, columns)
    for side in among(folders_in(root), columns) if below else ():
        for name in discover([Path(root, side)]).names:
            if name.split("/")[0] not in below:
                there = " and ".join(below)
                raise DataError(
                    f"{Path(root, side, name)} lies in no folder of a split, as the images in {there} do. Move it into "
                    "one, or away."
                )


def _joined(root: str, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Split -> column -> folder, of folders that are called by both: ``trainA``, ``train_A``, ``train_label``."""
    found: dict[str, dict[str, str]] = {}
    for split, folders in _named_by_both(folders_in(root), [tuple(columns)] if columns else PAIRS):
        if (other := found.setdefault(split, folders)) != folders:
            names = " and ".join([*other.values(), *folders.values()])
            raise DataError(f"{root} has the split {split!r} twice: {names}. Join or rename them.")
    return found


def _named_by_both(there: Sequence[str], pairs: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, dict[str, str]]]:
    for columns in pairs:
        for name in there:
            begin = name.removesuffix(columns[0])
            split = begin.rstrip(SEPARATORS)
            folders = {column: begin + column for column in columns}
            apart = begin != split or columns == ("A", "B")
            whole = begin != name and split and set(folders.values()) <= set(there)
            if whole and apart and tuple(folders.values()) not in PAIRS:
                yield split, folders


def _below(root: str, columns: Sequence[str]) -> list[str]:
    """Folders that all sides have; none where none is called like a split, since they are then something else."""
    sides = among(folders_in(root), columns)
    shared = sorted(set.intersection(*(set(folders_in(Path(root, side))) for side in sides))) if sides else []
    return shared if any(our_name(name) in SPLIT_NAMES for name in shared) else []


def _undivided(root: str, columns: Sequence[str]) -> list[str]:
    """``train`` where the folders of the columns hold all images that there are, as in lists without a split."""
    sides = among(folders_in(root), columns)
    return ["train"] if sides and all(discover([Path(root, side)]).names for side in sides) else []
