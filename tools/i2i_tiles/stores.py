"""Stored tiles: a folder ``zoom/x/y.png``, MBTiles (SQLite, rows counted from the south) and PMTiles."""

import mmap
import os
import re
import sqlite3
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from i2i import safe_json
from i2i.errors import DataError, UsageError
from i2i_tiles.mercator import flipped
from i2i_tiles.sources import Coverage, Credit, Place, StoredTiles, check_count, check_zooms, covering, credit_of

Scheme = Literal["xyz", "tms"]
"""Whether rows are counted from the north, as in web maps, or from the south (Tile Map Service)."""

FILE = re.compile(r"(\d+)(@2x)?\.(png|jpg|jpeg|webp|avif|gif)", re.IGNORECASE)
MAX_DEPTH = 4
"""Levels of directories in a PMTiles file, as its specification limits them."""
MAX_TILE_BYTES = 2**26
GZIP = 31
"""What zlib calls the format of gzip with the largest window."""


class TileFolder(StoredTiles):
    """A folder of tiles.

    Args:
        root: The folder that holds a folder for each zoom.
        scheme: How rows are counted.

    Raises:
        DataError: If the metadata that ``mb-util`` and similar tools write beside the tiles is damaged.
    """

    def __init__(self, root: Path, scheme: Scheme) -> None:
        self.name = root.name
        self._root = root
        self._scheme = scheme
        self._files = cache(self._list)
        metadata = root / "metadata.json"
        try:
            self.credit = credit_of(safe_json.load(metadata.read_bytes())) if metadata.is_file() else Credit()
        except (ValueError, AttributeError):
            raise DataError(f"{str(metadata)!r} is no JSON object. Mend or remove it.") from None

    def zooms(self) -> tuple[int, int]:
        """Return the coarsest and the finest zoom."""
        found = [int(entry.name) for entry in os.scandir(self._root) if entry.name.isdecimal() and entry.is_dir()]
        return check_zooms(found, self.name)

    def coverage(self, zoom: int) -> Coverage:
        """Return the tiles that are there."""
        return covering(frozenset(self._files(zoom)))

    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile."""
        file = self._files(place.zoom).get((place.x, place.y))
        try:
            return None if file is None else file.read_bytes()
        except OSError as error:
            raise DataError(f"{str(file)!r} cannot be read: {(error.strerror or str(error)).lower()}.") from None

    def has(self, place: Place) -> bool:
        """Tell whether there is a tile."""
        return (place.x, place.y) in self._files(place.zoom)

    def _list(self, zoom: int) -> dict[tuple[int, int], Path]:
        files: dict[tuple[int, int], Path] = {}
        for column in sorted(path for path in (self._root / str(zoom)).glob("*") if path.name.isdecimal()):
            for file in sorted(column.glob("*")):
                if (match := FILE.fullmatch(file.name)) is None or int(match[1]) >= 2**zoom or not file.is_file():
                    continue
                row = int(match[1]) if self._scheme == "xyz" else flipped(zoom, int(match[1]))
                if (other := files.setdefault((int(column.name), row), file)) is not file:
                    raise DataError(f"{str(file)!r} and {other.name!r} are the same tile. Leave one of them.")
        return files


class MBTiles(StoredTiles):
    """An ``.mbtiles`` file (MBTiles 1.3), opened for reading only.

    Raises:
        DataError: If it is damaged, or holds no images.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        weakref.finalize(self, self._database.close)
        metadata = dict(self._rows("SELECT name, value FROM metadata"))
        if metadata.get("format") in ("pbf", "mvt"):
            raise _vector_tiles(self.name)
        self.credit = credit_of(metadata)

    def zooms(self) -> tuple[int, int]:
        """Return the coarsest and the finest zoom."""
        found = self._rows("SELECT min(zoom_level), max(zoom_level) FROM tiles")[0]
        return check_zooms([zoom for zoom in found if zoom is not None], self.name)

    def coverage(self, zoom: int) -> Coverage:
        """Return the tiles that are there."""
        (count,) = self._rows("SELECT count(*) FROM tiles WHERE zoom_level = ?", zoom)[0]
        check_count(count, zoom, self.name)
        rows = self._rows("SELECT tile_column, tile_row FROM tiles WHERE zoom_level = ?", zoom)
        return covering(frozenset((x, flipped(zoom, row)) for x, row in rows))

    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile."""
        query = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        rows = self._rows(query, place.zoom, place.x, flipped(place.zoom, place.y))
        if not rows:
            return None
        return rows[0][0] if isinstance(rows[0][0], bytes) else b""  # there, but no image

    def _rows(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"{self.name!r} is no MBTiles file that can be read: {error}.") from None


class PMTiles(StoredTiles):
    """A ``.pmtiles`` file (PMTiles 3).

    Raises:
        DataError: If it is damaged, or holds no images.
        UsageError: If the library for it is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.name = name = path.name
        try:
            from pmtiles.reader import Reader
            from pmtiles.tile import TileType
        except ModuleNotFoundError:
            raise UsageError(f"{name!r} needs a library. Install it: pip install 'i2i-toolkit[geo]'.") from None
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise DataError(f"{name!r} is empty. Copy or download it again.")
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._reader = Reader(self._read)
        with _damage(name):
            self._header: dict[str, Any] = self._reader.header()
            metadata = self._reader.metadata()
        if self._header["tile_type"] == TileType.MVT:
            raise _vector_tiles(self.name)
        self.credit = credit_of(metadata)

    def zooms(self) -> tuple[int, int]:
        """Return the coarsest and the finest zoom."""
        return check_zooms([self._header["min_zoom"], self._header["max_zoom"]], self.name)

    def coverage(self, zoom: int) -> Coverage:
        """Return the tiles that are there."""
        from pmtiles.tile import tileid_to_zxy, zxy_to_tileid

        first, end = zxy_to_tileid(zoom, 0, 0), zxy_to_tileid(zoom, 0, 0) + 4**zoom
        with _damage(self.name):
            runs = [
                range(max(start, first), min(start + length, end))
                for start, length in self._runs(self._header["root_offset"], self._header["root_length"])
            ]
        check_count(sum(map(len, runs)), zoom, self.name)
        return covering(frozenset(tileid_to_zxy(number)[1:] for run in runs for number in run))

    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile."""
        from pmtiles.tile import Compression

        if max(place.x, place.y) >> place.zoom:
            return None
        with _damage(self.name):
            data: bytes | None = self._reader.get(*place)
            if data is not None and self._header["tile_compression"] == Compression.GZIP:
                data = zlib.decompressobj(wbits=GZIP).decompress(data, MAX_TILE_BYTES)
        return data

    def _runs(self, offset: int, length: int, depth: int = 1) -> Iterator[tuple[int, int]]:
        """Yield first number and count of consecutive tiles, from a directory and those below it."""
        from pmtiles.tile import deserialize_directory

        for entry in deserialize_directory(self._read(offset, length)):
            if entry.run_length:
                yield entry.tile_id, entry.run_length
            elif depth < MAX_DEPTH:
                yield from self._runs(self._header["leaf_directory_offset"] + entry.offset, entry.length, depth + 1)

    def _read(self, offset: int, length: int) -> bytes:
        data = self._file[offset : offset + length]
        if len(data) != length:
            raise EOFError("it is cut off")
        return data


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn what the library raises on damaged files into one line."""
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name!r} is no PMTiles file that can be read: {text}.") from error


def _vector_tiles(name: str) -> DataError:
    return DataError(f"{name!r} holds vector tiles. Render them to images first, for example with a tile server.")
