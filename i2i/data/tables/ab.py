"""A|B files: both images of a pair side by side in one, A left and B right."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i.data.order import spread
from i2i.data.tables import manifest
from i2i.data.tables.files import FileTable, folders_in, names_of
from i2i.data.tables.listed import read_table
from i2i.data.tables.lists import images_of
from i2i.data.tables.table import LIMIT
from i2i.errors import DataError, I2iError
from i2i.images import Header, Limit, Picture, Range, discover, printable, probe
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.prepared import CARD, IMAGES
from i2i.splits import SPLIT_NAMES, our_name
from i2i.system import safe_yaml

SIDES = ("A", "B")
MOST_BY_CARD = 10
LOOKED_AT = 32
"""Images whose size says whether they are A|B files."""


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Those of lists of single images, or else folders; such as hold images and no column folders. See `Layout`."""
    if not set(columns) <= set(SIDES) or is_of_single_images(root):
        return []
    if listed := manifest.single_images(root):
        return [name for name in manifest.splits_in(listed) if name != IMAGES]
    return [name for name in folders_in(root) if name != IMAGES and _holds_images(Path(root, name))]


def open_split(root: str, split: str, columns: Sequence[str]) -> "HalvesTable":
    """The images that the list names, or all of a folder, at any depth; see `Layout`."""
    if listed := manifest.single_images(root):
        file, lines = manifest.lines_of_split(listed, split)
        keys = images_of(file)
        table = read_table(file, keys, list(keys), lines)
        if manifest.ALL in listed:
            manifest.refuse_undivided(file, table)
        layout = f"ab by {file.name}, A left and B right"
        return HalvesTable(
            layout, table.names, SIDES, [(*row, *row) for row in table.files], table.problems, table.keys
        )
    found = discover([Path(root, split)])
    files, keys_of_rows = [(str(file),) * 2 for file in found.files], [without_suffix(name) for name in found.names]
    names = names_of(found.names)
    return HalvesTable("ab, A left and B right", names, SIDES, files, keys=list(map(printable, keys_of_rows)))


def are_halves(root: str, table: "HalvesTable") -> bool:
    """Whether images are A|B files by what ``dataset.yaml`` says, or by most being twice as wide as high."""
    if _card(root).get("layout") == "ab":
        return True
    sizes = sizes_of([Path(table.files[row][0]) for row in spread(len(table.names), LOOKED_AT)])
    return 2 * sum(width == 2 * height for width, height in sizes) > len(sizes)


def is_of_single_images(root: str) -> bool:
    """Whether ``dataset.yaml`` counts images, and none for training: `i2i prepare` made no pairs here."""
    counts = _card(root).get("counts")
    return isinstance(counts, dict) and "made" in counts and "train" not in counts


def images_in(folder: str) -> list[Path]:
    """The images that lie in a folder itself, sorted."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [Path(folder, name) for name in names if name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES]


def sizes_of(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Width and height of those images that can be read."""
    found = list[tuple[int, int]]()
    for file in files:
        with suppress(I2iError):  # what is wrong with it is said where it is read
            header = probe(file)
            found.append((header.width, header.height))
    return found


def limit_of(root: str, max_pixels: int | None = None) -> Limit:
    """Return how large the images of a dataset may be: as is said, else as its ``dataset.yaml`` says it was prepared.

    A card may come from anywhere; what it allows ends at `MOST_BY_CARD` times the default.
    """
    if max_pixels is not None:
        return LIMIT._replace(pixels=max_pixels)
    card = _card(root)
    options = card.get("options")
    said = card.get("max_pixels") or (options.get("max_pixels") if isinstance(options, dict) else None)
    if not isinstance(said, int) or said <= LIMIT.pixels:
        return LIMIT
    return LIMIT._replace(pixels=min(said, MOST_BY_CARD * LIMIT.pixels))


def _card(root: str) -> dict[str, Any]:
    try:
        card = safe_yaml.load(Path(root, CARD).read_text("utf-8"), CARD)
    except (OSError, UnicodeDecodeError, I2iError):  # another tool's: it says nothing about this
        return {}
    return card if isinstance(card, dict) else {}


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
    if len(names) < 2 or any(our_name(name) in SPLIT_NAMES for name in names):
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

    def picture(self, row: int, column: str, *, value_range: Range | None = None, limit: Limit = LIMIT) -> Picture:
        """One half of the decoded file; see `Table`. Each half may have as many pixels as the limit says."""
        whole = self._whole(row, value_range, limit._replace(pixels=2 * limit.pixels))
        width = self._half(row, whole.pixels.shape[1])
        half = whole.pixels[:, :width] if column == "A" else whole.pixels[:, width:]
        return whole._replace(pixels=half)

    def _whole(self, row: int, value_range: Range | None, limit: Limit) -> Picture:
        last = self._last
        if last is None or last[0] != (row, value_range):
            last = self._last = (row, value_range), super().picture(row, "A", value_range=value_range, limit=limit)
        return last[1]

    def _half(self, row: int, width: int) -> int:
        if width % 2:
            name = self.names[row]
            raise DataError(f"{name}: it is {width} pixels wide. An A|B file has an even width, A left and B right.")
        return width // 2


def _holds_images(folder: Path) -> bool:
    return not {"imageA", "imageB"} & set(folders_in(folder)) and bool(discover([folder]).names)
