"""A folder a column: ``train/imageA/NAME.png``, ``train/imageB/NAME.png``, and other columns beside them."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.tables.columns import find_pair
from i2i.data.tables.files import FileTable, folders_in, match


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Folders that hold one of each named column, or a pair of known names; see `Layout`."""
    return [name for name in folders_in(root) if _columns(Path(root, name), columns)]


def open_split(root: str, split: str, columns: Sequence[str]) -> FileTable:
    """Files of the same name in the folders of all columns; see `Layout`."""
    folder = Path(root, split)
    wanted = _columns(folder, columns)
    matched = match(folder, {column: folder / column for column in wanted})
    return FileTable(f"folders {' and '.join(wanted)}", matched.names, wanted, matched.files, matched.problems)


def _columns(folder: Path, columns: Sequence[str]) -> list[str]:
    there = folders_in(folder)
    if columns:
        return list(dict.fromkeys(columns)) if set(columns) <= set(there) else []
    return list(find_pair(there) or ())
