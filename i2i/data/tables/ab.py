"""A|B files: both images of a pair side by side in one, A left and B right."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from i2i import safe_yaml
from i2i.data.order import spread
from i2i.data.tables.folders import FileTable, folders_in, names_of
from i2i.data.tables.lists import FileList
from i2i.data.tables.manifest import are_single_images, find_lists, read_rows
from i2i.data.tables.table import LIMIT, Splits
from i2i.errors import DataError, I2iError
from i2i.images import Header, Limit, Picture, Range, discover, printable, probe
from i2i.images.discovery import without_suffix
from i2i.pairs import Reading
from i2i.prepared import CARD, HALVES, IMAGES, Classes

SIDES = ("A", "B")
MOST_BY_CARD = 10
"""Times the default that the card of a dataset can allow: it may come from anywhere."""
LOOKED_AT = 32
"""Images whose size says whether they are A|B files."""


class HalvesTable(FileTable):
    """Halves of files. The file that was decoded last is kept, since its other half is mostly wanted next."""

    _last: tuple[tuple[int, Reading, Range | None], Picture] | None = None

    def header(self, row: int, column: str) -> Header:
        """Return that of the file, with half of its width."""
        whole = super().header(row, column)
        return replace(whole, width=self._half(row, whole.width))

    def picture(
        self,
        row: int,
        column: str,
        *,
        reading: Reading = "image",
        value_range: Range | None = None,
        limit: Limit = LIMIT,
    ) -> Picture:
        """Return one half of the decoded file. Each half may have as many pixels as the limit says."""
        if self._last is None or self._last[0] != (row, reading, value_range):
            both = limit._replace(pixels=2 * limit.pixels)
            whole = super().picture(row, "A", reading=reading, value_range=value_range, limit=both)
            self._last = (row, reading, value_range), whole
        whole = self._last[1]
        width = self._half(row, whole.pixels.shape[1])
        return whole._replace(pixels=whole.pixels[:, :width] if column == "A" else whole.pixels[:, width:])

    def _half(self, row: int, width: int) -> int:
        if width % 2:
            name = self.names[row]
            raise DataError(f"{name}: it is {width} pixels wide. An A|B file has an even width, A left and B right.")
        return width // 2


def find_ab(root: str, columns: Sequence[str]) -> Splits:
    """Find lists of single images, or else folders that hold images, at any depth, and no folders of columns."""
    if not set(columns) <= set(SIDES) or holds_single_images(root):
        return {}
    if are_single_images(lists := find_lists(root)):
        found: Splits = {split: partial(_listed, one, split) for one in lists for split in one.splits()}
    else:
        folders = {name: Path(root, name) for name in folders_in(root)}
        found = {name: partial(_in_folder, path) for name, path in folders.items() if _holds_images(path)}
    return {split: opener for split, opener in found.items() if split != IMAGES}


def are_halves(root: str, table: HalvesTable) -> bool:
    """Check whether images are A|B files: ``dataset.yaml`` says so, or most are twice as wide as high."""
    if _card(root).get("layout") == "ab":
        return True
    sizes = sizes_of([Path(table.files[row][0]) for row in spread(len(table.names), LOOKED_AT)])
    return 2 * sum(width == 2 * height for width, height in sizes) > len(sizes)


def holds_single_images(root: str) -> bool:
    """Check whether ``dataset.yaml`` counts images, and none for training: `i2i prepare` made no pairs here."""
    counts = _card(root).get("counts")
    return isinstance(counts, dict) and "made" in counts and "train" not in counts


def sizes_of(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Return width and height of those images that can be read."""
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


def classes_in(root: str) -> dict[str, Classes]:
    """Return the class ids that columns of a prepared set hold, where its ``dataset.yaml`` knows them."""
    facts = _card(root).get("facts")
    said = facts.get("classes") if isinstance(facts, dict) else None
    void = facts.get("void") if isinstance(facts, dict) else None
    if not isinstance(said, dict):
        return {}
    return {
        str(column): Classes(number, void if isinstance(void, int) and void >= 0 else None)
        for column, number in said.items()
        if isinstance(number, int) and number > 0
    }


def looks_in(root: str) -> dict[str, str]:
    """Return which columns of a prepared set look like sources of a preparer, and its name, as ``dataset.yaml`` says.

    A set in A|B files has the columns `SIDES`, which are called `i2i.prepared.HALVES` there.
    """
    card = _card(root)
    facts = card.get("facts")
    said = facts.get("looks") if isinstance(facts, dict) else None
    if not isinstance(said, dict):
        return {}
    columns = dict(zip(HALVES, SIDES if card.get("layout") == "ab" else HALVES, strict=True))
    return {columns[half]: name for half, name in said.items() if half in columns and isinstance(name, str)}


def _listed(listed: FileList, split: str) -> HalvesTable:
    """Open the images that a list names."""
    table = read_rows(listed, split, listed.images)
    layout = f"ab by {listed.file.name}, A left and B right"
    return HalvesTable(
        layout, table.names, SIDES, [(file, file) for (file,) in table.files], table.problems, table.keys
    )


def _in_folder(folder: Path) -> HalvesTable:
    """Open all images of a folder."""
    found = discover([folder])
    files, keys = [(str(file),) * 2 for file in found.files], [printable(without_suffix(name)) for name in found.names]
    return HalvesTable("ab, A left and B right", names_of(found.names), SIDES, files, keys=keys)


def _holds_images(folder: Path) -> bool:
    return not set(HALVES) & set(folders_in(folder)) and bool(discover([folder]).names)


def _card(root: str) -> Mapping[str, Any]:
    try:
        card = safe_yaml.load(Path(root, CARD).read_text("utf-8"), CARD)
    except (OSError, UnicodeDecodeError, I2iError):  # another tool's: it says nothing about this
        return {}
    return card if isinstance(card, dict) else {}
