"""What tiles come from: the contract of a source, and how stored tiles become pixels."""

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.errors import UsageError
from i2i.images.colour import WHITE, over, with_channels
from i2i.images.reader import read
from i2i.pairs import Pixels
from i2i_tiles.mercator import MAX_ZOOM

TILE = 256
"""Side of a tile that is made here, pixels; what is stored may have another."""
MAX_TILE_PIXELS = 4096 * 4096
MAX_LISTED = 10_000_000
"""Most tiles of a file that are listed; that takes about 1.5 GB of memory."""


class Place(NamedTuple):
    """A tile of the grid of web maps; see `i2i_tiles.mercator`."""

    zoom: int
    x: int
    y: int
    """From the north, whatever scheme a source counts in."""


class Patch(NamedTuple):
    """A piece of a map."""

    pixels: Pixels
    """(H, W, C), opaque: what is empty is white."""
    filled: NDArray[np.bool_]
    """(H, W): where there is data."""


class Credit(NamedTuple):
    """Whose map it is, as far as the source itself says."""

    licence: str = ""
    attribution: str = ""


class Coverage(NamedTuple):
    """Where a source has tiles at some zoom: in left..right-1, top..bottom-1."""

    left: int
    top: int
    right: int
    bottom: int
    listed: frozenset[tuple[int, int]] | None = None
    """Exactly these x and y, where that is known; every tile may be there otherwise."""

    def holds(self, x: int, y: int) -> bool:
        """Tell whether a tile lies between the bounds."""
        return self.left <= x < self.right and self.top <= y < self.bottom


class MapSource(ABC):
    """A map that is cut into tiles, or can be."""

    name: str
    """What it is called in messages and on the card, the same on every machine."""
    credit: Credit = Credit()

    @abstractmethod
    def zooms(self) -> tuple[int, int] | None:
        """Return the coarsest and the finest zoom; None where the source does not say."""

    @abstractmethod
    def coverage(self, zoom: int) -> Coverage:
        """Return where there are tiles."""

    def has(self, place: Place) -> bool:
        """Tell whether there is a tile."""
        return self.coverage(place.zoom).holds(place.x, place.y)

    @abstractmethod
    def patch(self, place: Place) -> Patch:
        """Return the pixels of a tile that is there.

        Raises:
            DataError: If it is damaged.
        """


class StoredTiles(MapSource):
    """A source of encoded tiles."""

    @abstractmethod
    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile; None where there is none."""

    def has(self, place: Place) -> bool:
        """Tell whether there is a tile."""
        return self.data(place) is not None

    def patch(self, place: Place) -> Patch:
        """Return the pixels of a tile that is there, in colour."""
        data = self.data(place)
        assert data is not None, "asked for after `has`"
        where = f"tile {place.zoom}/{place.x}/{place.y} of {self.name!r}"
        pixels, filled = laid_on_white(read(data, where=where, max_pixels=MAX_TILE_PIXELS, reading="alpha").pixels)
        # a server may send gray tiles among coloured ones, where it has nothing but gray to show
        return Patch(with_channels(pixels, 3), filled)


def laid_on_white(pixels: Pixels) -> Patch:
    """Lay a tile on white where it has opacity as its second or fourth channel."""
    if pixels.shape[2] not in (2, 4):
        return Patch(pixels, np.ones(pixels.shape[:2], np.bool_))
    return Patch(over(pixels, WHITE)[0], pixels[..., -1] > 0)


def covering(listed: frozenset[tuple[int, int]]) -> Coverage:
    """Return the coverage of exactly these tiles."""
    if not listed:
        return Coverage(0, 0, 0, 0, listed)
    columns, rows = zip(*listed, strict=True)
    return Coverage(min(columns), min(rows), max(columns) + 1, max(rows) + 1, listed)


def check_count(count: int, zoom: int, name: str) -> None:
    """Refuse to list very many tiles.

    Raises:
        UsageError: If there are more than `MAX_LISTED`.
    """
    if count > MAX_LISTED:
        raise UsageError(
            f"{name!r} has {count} tiles at zoom {zoom}, more than {MAX_LISTED} are not listed. "
            "Take a part of it, or a lower --zoom."
        )


def check_zooms(found: list[int], name: str) -> tuple[int, int]:
    """Return the coarsest and the finest of the zooms of a source.

    Raises:
        UsageError: If there is none, or one beyond all maps.
    """
    if not found:
        raise UsageError(f"{name!r} holds no tiles. Tiles lie in folders as zoom/x/y.png: 12/2200/1343.png.")
    if max(found) > MAX_ZOOM:
        raise UsageError(f"{name!r} has tiles at zoom {max(found)}. Zooms end at {MAX_ZOOM}.")
    return min(found), max(found)


def credit_of(metadata: Mapping[str, Any]) -> Credit:
    """Return whose map it is, by the fields that MBTiles, PMTiles and TileJSON have for it."""
    licence = metadata.get("license") or metadata.get("licence")
    return Credit(text_of(licence), text_of(metadata.get("attribution")))


def text_of(value: Any) -> str:
    """Return one line of text of a field of metadata, without the markup that attributions often have."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", str(value or ""))).split())
