"""Maps as whole images without coordinates, cut into squares as they are."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i import images
from i2i_tiles.sources import Coverage, Credit, Patch, Place, laid_on_white

MAX_PIXELS = 100_000_000
"""Largest image: it is decoded whole, in every worker process. GeoTIFFs are read in windows, at any size."""


class Shape(NamedTuple):
    """What two rasters must share to be cut without warping."""

    height: int
    width: int
    crs: str = ""
    """The coordinate system; nothing for a plain image."""
    transform: tuple[float, ...] = ()


class PlainRaster:
    """An image file without coordinates, cut into squares.

    Args:
        path: The file.
        name: As the user typed it.
        side: Side of the squares, pixels.

    Raises:
        ImageError: If it cannot be read.
    """

    def __init__(self, path: Path, name: str, side: int) -> None:
        self.name = name
        self.credit = Credit()
        self.side = side
        header = images.probe(path)
        self.shape = Shape(header.height, header.width)
        self._path = path
        self._whole: Patch | None = None

    def zooms(self) -> None:
        """A plain image has none."""

    def coverage(self, zoom: int) -> Coverage:
        """All squares that fit in."""
        return Coverage(0, 0, self.shape.width // self.side, self.shape.height // self.side)

    def has(self, place: Place) -> bool:
        """Whether the square fits in."""
        return self.coverage(place.zoom).holds(place.x, place.y)

    def patch(self, place: Place) -> Patch:
        """A square; ``place.zoom`` does not matter."""
        pixels, filled = self._read()
        top, left = place.y * self.side, place.x * self.side
        part = slice(top, top + self.side), slice(left, left + self.side)
        return Patch(np.ascontiguousarray(pixels[part]), filled[part])

    def digest(self, place: Place) -> str:
        """Squares are not stored."""
        return ""

    def upside_down(self) -> "PlainRaster":
        """The same image with its rows in the other order."""
        turned = PlainRaster(self._path, self.name, self.side)
        pixels, filled = self._read()
        turned._whole = Patch(pixels[::-1], filled[::-1])
        return turned

    def _read(self) -> Patch:
        if self._whole is None:
            self._whole = laid_on_white(images.read(self._path, max_pixels=MAX_PIXELS, reading="alpha").pixels)
        return self._whole
