"""Tiles as files: ``zoom/x/y.png``, in the order of web maps or of TMS."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Literal

from i2i.errors import DataError
from i2i.system import safe_json
from i2i_tiles.mercator import flipped
from i2i_tiles.sources import Coverage, Credit, Place, StoredTiles, check_zooms, covering, credit_of

Scheme = Literal["xyz", "tms"]
"""Whether rows are counted from the north, as in web maps, or from the south (Tile Map Service)."""

FILE = re.compile(r"(\d+)(@2x)?\.(png|jpg|jpeg|webp|avif|gif)", re.IGNORECASE)


class TileFolder(StoredTiles):
    """A folder of tiles.

    Args:
        root: The folder that holds a folder for each zoom.
        name: As the user typed it.
        scheme: How rows are counted.
    """

    def __init__(self, root: Path, name: str, scheme: Scheme) -> None:
        self.name = name
        self._root = root
        self._scheme = scheme
        self._files = cache(self._list)
        self.credit = _credit(root / "metadata.json")

    def zooms(self) -> tuple[int, int]:
        """Coarsest and finest zoom."""
        found = [int(entry.name) for entry in os.scandir(self._root) if entry.name.isdecimal() and entry.is_dir()]
        return check_zooms(found, self.name)

    def coverage(self, zoom: int) -> Coverage:
        """The tiles that are there."""
        return covering(frozenset(self._files(zoom)))

    def data(self, place: Place) -> bytes | None:
        """The bytes of a tile."""
        file = self._files(place.zoom).get((place.x, place.y))
        try:
            return None if file is None else file.read_bytes()
        except OSError as error:
            raise DataError(f"{str(file)!r} cannot be read: {(error.strerror or str(error)).lower()}.") from None

    def has(self, place: Place) -> bool:
        """Whether there is a tile."""
        return (place.x, place.y) in self._files(place.zoom)

    def _list(self, zoom: int) -> dict[tuple[int, int], Path]:
        folder = self._root / str(zoom)
        files: dict[tuple[int, int], Path] = {}
        columns = sorted(path for path in folder.glob("*") if path.name.isdecimal())
        for column in columns:
            for file in sorted(column.glob("*")):
                if (match := FILE.fullmatch(file.name)) is None or int(match[1]) >= 2**zoom or not file.is_file():
                    continue
                row = int(match[1]) if self._scheme == "xyz" else flipped(zoom, int(match[1]))
                if (other := files.setdefault((int(column.name), row), file)) is not file:
                    raise DataError(f"{str(file)!r} and {other.name!r} are the same tile. Leave one of them.")
        return files


def _credit(metadata: Path) -> Credit:
    """What ``mb-util`` and similar tools write beside the tiles."""
    if not metadata.is_file():
        return Credit()
    try:
        return credit_of(safe_json.load(metadata.read_bytes()))
    except (ValueError, AttributeError):
        raise DataError(f"{str(metadata)!r} is no JSON object. Mend or remove it.") from None
