"""A|B files: both images of a pair side by side in one, A left and B right."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from i2i.data.tables.files import FileTable, folders_in, names_of
from i2i.errors import DataError, I2iError
from i2i.images import Header, Picture, Range, discover, printable, probe
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.system import safe_yaml

SIDES = ("A", "B")
IMAGES = "images"
"""Folder of images that are no pairs."""
CARD = "dataset.yaml"


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Folders that hold images and no column folders; see `Layout`."""
    if not set(columns) <= set(SIDES) or _says_single(root):
        return []
    return [name for name in folders_in(root) if name != IMAGES and _holds_images(Path(root, name))]


def holds_single_images(root: str) -> bool:
    """Whether this is a folder that `i2i prepare` makes of images that are no pairs, or looks like one."""
    return _says_single(root) or (IMAGES in folders_in(root) and _holds_images(Path(root, IMAGES)))


def sizes_of_loose(root: str, most: int = 3) -> list[tuple[int, int]]:
    """Width and height of the first images that lie in the folder itself."""
    found = list[tuple[int, int]]()
    names = sorted(os.listdir(root)) if os.path.isdir(root) else []
    for file in (Path(root, name) for name in names if not name.startswith(".")):
        if len(found) < most and file.suffix.lower() in SUFFIXES:
            with suppress(I2iError):  # what it is may be another one's to say
                header = probe(file)
                found.append((header.width, header.height))
    return found


def _says_single(root: str) -> bool:
    """Whether ``dataset.yaml`` counts images, and none for training."""
    try:
        card = safe_yaml.load(Path(root, CARD).read_text("utf-8"), CARD)
    except (OSError, UnicodeDecodeError, I2iError):  # another tool's: it says nothing about this
        return False
    counts = card.get("counts") if isinstance(card, dict) else None
    return isinstance(counts, dict) and "made" in counts and "train" not in counts


def open_split(root: str, split: str, columns: Sequence[str]) -> "HalvesTable":
    """All images of a folder, at any depth; see `Layout`."""
    found = discover([Path(root, split)])
    files, keys = [(str(file),) * 2 for file in found.files], [printable(without_suffix(name)) for name in found.names]
    return HalvesTable("ab, A left and B right", names_of(found.names), SIDES, files, keys=keys)


def columns_in(folder: Path) -> list[str]:
    """Folders that hold all images, mostly of the same names: rather columns of some names than A|B files."""
    if len(folders_in(folder)) < 2:
        return []
    names = dict[str, set[str]]()
    for name in discover([folder]).names:
        top, below, rest = name.partition("/")
        if not below:
            return []
        names.setdefault(top, set()).add(without_suffix(rest))
    if len(names) < 2:
        return []
    shared, every = set.intersection(*names.values()), set.union(*names.values())
    return sorted(names) if 2 * len(shared) >= len(every) else []


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
            last = self._last = (row, value_range), super().picture(row, "A", value_range=value_range)
        return last[1]

    def _half(self, row: int, width: int) -> int:
        if width % 2:
            name = self.names[row]
            raise DataError(f"{name}: it is {width} pixels wide. An A|B file has an even width, A left and B right.")
        return width // 2


def _holds_images(folder: Path) -> bool:
    return not {"imageA", "imageB"} & set(folders_in(folder)) and bool(discover([folder]).names)
