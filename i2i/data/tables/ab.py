"""A|B files: both images of a pair side by side in one, A left and B right."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from i2i.data.tables.files import FileTable, folders_in, names_of
from i2i.errors import DataError
from i2i.images import Header, Picture, Range, discover, read

SIDES = ("A", "B")


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Folders that hold images and no column folders; see `Layout`."""
    if not set(columns) <= set(SIDES):
        return []
    return [name for name in folders_in(root) if _holds_images(Path(root, name))]


def open_split(root: str, split: str, columns: Sequence[str]) -> "HalvesTable":
    """All images of a folder, at any depth; see `Layout`."""
    found = discover([Path(root, split)])
    names = names_of([found.name_of(file) for file in found.files])
    return HalvesTable("ab, A left and B right", names, SIDES, [(file, file) for file in found.files])


class HalvesTable(FileTable):
    """Halves of files. The file that was decoded last is kept, since its other half is mostly wanted next."""

    _last: tuple[tuple[int, Range | None], Picture] | None = None

    def header(self, row: int, column: str) -> Header:
        """That of the file, with half of its width."""
        whole = super().header(row, column)
        return replace(whole, width=self._half(row, whole.width))

    def picture(self, row: int, column: str, *, value_range: Range | None = None) -> Picture:
        """One half of the decoded file; see `Table`."""
        whole = self._whole(row, value_range)
        width = self._half(row, whole.pixels.shape[1])
        half = whole.pixels[:, :width] if column == "A" else whole.pixels[:, width:]
        return whole._replace(pixels=half)

    def _whole(self, row: int, value_range: Range | None) -> Picture:
        last = self._last
        if last is None or last[0] != (row, value_range):
            last = self._last = (row, value_range), read(self.file(row, "A"), value_range=value_range)
        return last[1]

    def _half(self, row: int, width: int) -> int:
        if width % 2:
            name = self.names[row]
            raise DataError(f"{name}: it is {width} pixels wide. An A|B file has an even width, A left and B right.")
        return width // 2


def _holds_images(folder: Path) -> bool:
    return not {"imageA", "imageB"} & set(folders_in(folder)) and bool(discover([folder]).files)
