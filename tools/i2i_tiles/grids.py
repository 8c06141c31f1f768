"""How places are cut into pairs: cells of stitched web tiles, or squares of pixels."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from i2i_tiles.mercator import Box, bounds, metres_per_pixel
from i2i_tiles.rasters import GeoRaster, Shape
from i2i_tiles.sources import Place


class Cell(NamedTuple):
    """A place in a grid of pairs."""

    column: int
    """From the west."""
    row: int
    """From the north."""


@dataclass(frozen=True)
class TileGrid:
    """Cells of ``stitch`` x ``stitch`` tiles of one zoom. They lie in the same place whatever the area of interest."""

    zoom: int
    stitch: int

    is_plain = False
    """Whether nothing says where on Earth cells lie."""

    def places(self, cell: Cell) -> list[list[Place]]:
        """Return the tiles of a cell, in rows from the north."""
        n = self.stitch
        left, top = cell.column * n, cell.row * n
        return [[Place(self.zoom, left + x, top + y) for x in range(n)] for y in range(n)]

    def ground(self, cell: Cell) -> Box:
        """Return the area of a cell: west, south, east and north in degrees."""
        n = self.stitch
        left, top = cell.column * n, cell.row * n
        return bounds(self.zoom, left, top, left + n, top + n)

    @property
    def around(self) -> int:
        """Count the columns around the world; where `stitch` does not divide its tiles, the rest has no cell."""
        return (1 << self.zoom) // self.stitch

    def name(self, cell: Cell) -> str:
        """Return the name of a cell: that of its north-western tile."""
        return "/".join(map(str, self.places(cell)[0][0]))

    def metadata(self, cell: Cell) -> dict[str, Any]:
        """Return what is known about a cell."""
        first = self.places(cell)[0][0]
        return first._asdict() | {"stitch": self.stitch, "bbox": list(self.ground(cell))}

    def facts(self, cells: list[Cell], size: int) -> dict[str, Any]:
        """Return what is known about the grid: its scale at the middle latitude of the cells."""
        west, south, east, north = zip(*map(self.ground, cells), strict=True)
        bbox = [min(west), min(south), max(east), max(north)]
        scale = metres_per_pixel(self.zoom, (bbox[1] + bbox[3]) / 2, size) * self.stitch
        known = {"grid": "web-mercator", "zoom": self.zoom, "stitch": self.stitch, "bbox": bbox}
        return known | {"metres_per_pixel": round(scale, 4)}


@dataclass(frozen=True)
class PixelGrid:
    """Squares of a grid of pixels."""

    side: int
    shape: Shape
    raster: GeoRaster | None
    """Where on Earth squares lie; None for plain images."""

    stitch = 1

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing says where on Earth squares lie."""
        return self.raster is None

    @property
    def around(self) -> int | None:
        """Count the columns around the world, of a raster that goes all around it; less than one is in no square."""
        if self.raster is None:
            return None
        west, _, east, _ = self.raster.degrees
        return self.shape.width // self.side if east - west > 360 - 360 / self.shape.width else None

    def places(self, cell: Cell) -> list[list[Place]]:
        """Return the square itself."""
        return [[Place(0, cell.column, cell.row)]]

    def _pixels(self, cell: Cell) -> Box:
        left, top = cell.column * self.side, cell.row * self.side
        return left, top, left + self.side, top + self.side

    def ground(self, cell: Cell) -> Box:
        """Return west, south, east and north in degrees, of a raster that is georeferenced."""
        assert self.raster is not None, "checked before areas are read"
        return self.raster.ground(self._pixels(cell))

    def name(self, cell: Cell) -> str:
        """Return the name of a square: its column and row."""
        return f"{cell.column}/{cell.row}"

    def metadata(self, cell: Cell) -> dict[str, Any]:
        """Return what is known about a square; ``pixels`` are left, top, right and bottom."""
        known: dict[str, Any] = {"x": cell.column, "y": cell.row, "pixels": list(self._pixels(cell))}
        return known if self.raster is None else known | {"bbox": list(self.ground(cell))}

    def facts(self, cells: list[Cell], size: int) -> dict[str, Any]:
        """Return what is known about the grid, and what does not fit into squares."""
        rest = {"right": self.shape.width % self.side, "bottom": self.shape.height % self.side}
        known: dict[str, Any] = {"grid": "pixels", "side": self.side, "unused_pixels": rest}
        if self.raster is None:
            return known
        return known | {"bbox": list(self.raster.degrees), "metres_per_pixel": round(self.raster.metres_per_pixel, 4)}


Grid = TileGrid | PixelGrid
