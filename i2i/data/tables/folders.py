"""A folder a column: ``train/imageA/NAME.png``, ``train/imageB/NAME.png``, and other columns beside them."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.tables.files import FileTable, folders_in, match
from i2i.data.tables.names import among


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Folders that hold one of each named column, or a pair of known names; see `Layout`."""
    return [name for name in folders_in(root) if among(folders_in(Path(root, name)), columns)]


def open_split(root: str, split: str, columns: Sequence[str], partners: str = "") -> FileTable:
    """Files of the same name in the folders of all columns; see `Layout` and `i2i.data.tables.files.match`."""
    folder = Path(root, split)
    wanted = among(folders_in(folder), columns)
    return match(folder, {column: folder / column for column in wanted}, partners)
