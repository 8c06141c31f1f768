"""How places are cut into pairs: cells of stitched web tiles, or squares of pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from i2i.errors import UsageError
from i2i_tiles.areas import Area
from i2i_tiles.mercator import Box, bounds, metres_per_pixel, position
from i2i_tiles.rasters import GeoRaster, Shape
from i2i_tiles.sources import Coverage, Place

MAX_PLACES = 4_000_000
"""Most tiles that are considered where sources do not list what they have."""


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

    def cell_of(self, x: int, y: int) -> Cell:
        """Return the cell that a tile is part of."""
        return Cell(x // self.stitch, y // self.stitch)

    def ground(self, cell: Cell) -> Box:
        """Return the area of a cell: west, south, east and north in degrees."""
        n = self.stitch
        left, top = cell.column * n, cell.row * n
        return bounds(self.zoom, left, top, left + n, top + n)

    @property
    def around(self) -> int:
        """Columns around the world; where `stitch` does not divide its tiles, less than one of them has no cell."""
        return (1 << self.zoom) // self.stitch

    def within(self, coverage: Coverage, area: Area | None) -> Coverage:
        """Return the part of a coverage near an area of interest, as far as whole cells fit into the world."""
        n = self.stitch
        end = (1 << self.zoom) // n * n
        world = common(coverage, Coverage(0, 0, end, end))
        if area is None:
            return world
        west, south, east, north = area.bounds
        (left, top), (right, bottom) = position(west, north, self.zoom), position(east, south, self.zoom)
        return common(world, Coverage(int(left) - n, int(top) - n, int(right) + n + 1, int(bottom) + n + 1))

    def name(self, cell: Cell) -> str:
        """Return the name of a cell: that of its north-western tile."""
        return "/".join(map(str, self.places(cell)[0][0]))

    def metadata(self, cell: Cell) -> dict[str, Any]:
        """Return what is known about a cell."""
        first = self.places(cell)[0][0]
        return {"zoom": first.zoom, "x": first.x, "y": first.y, "stitch": self.stitch, "bbox": list(self.ground(cell))}

    def facts(self, cells: list[Cell], size: int) -> dict[str, Any]:
        """Return what is known about the grid: its scale at the middle latitude of the cells."""
        boxes = [self.ground(cell) for cell in cells]
        south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
        scale = metres_per_pixel(self.zoom, (south + north) / 2, size) * self.stitch
        bbox = [min(box[0] for box in boxes), south, max(box[2] for box in boxes), north]
        return {"grid": "web-mercator", "zoom": self.zoom, "stitch": self.stitch, "bbox": bbox} | {
            "metres_per_pixel": round(scale, 4)
        }


@dataclass(frozen=True)
class PixelGrid:
    """Squares of a grid of pixels."""

    side: int
    shape: Shape
    raster: GeoRaster | None
    """Where on Earth squares lie; None for plain images."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing says where on Earth squares lie."""
        return self.raster is None

    @property
    def around(self) -> int | None:
        """Columns around the world, of a raster that goes all around it; less than one of them is in no square."""
        around = self.raster.around if self.raster else None
        return around // self.side if around else None

    def places(self, cell: Cell) -> list[list[Place]]:
        """Return the square itself."""
        return [[Place(0, cell.column, cell.row)]]

    def cell_of(self, x: int, y: int) -> Cell:
        """Return the square itself."""
        return Cell(x, y)

    def _pixels(self, cell: Cell) -> Box:
        left, top = cell.column * self.side, cell.row * self.side
        return left, top, left + self.side, top + self.side

    def ground(self, cell: Cell) -> Box:
        """Return west, south, east and north in degrees, of a raster that is georeferenced."""
        assert self.raster is not None, "checked before areas are read"
        return self.raster.ground(self._pixels(cell))

    def within(self, coverage: Coverage, area: Area | None) -> Coverage:
        """Return all of it; which squares are of interest is decided for each."""
        return coverage

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


def common(a: Coverage, b: Coverage) -> Coverage:
    """Return the bounds that two coverages share."""
    return Coverage(max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))


def candidates(grid: Grid, a: Coverage, b: Coverage, area: Area | None) -> list[Cell]:
    """Return cells that are worth a look: within reach of both sources, where one of them has something, in the area.

    Args:
        grid: How places are cut.
        a: Where one source has tiles.
        b: Where the other has.
        area: Area of interest; a cell belongs to it if its centre does.

    Returns:
        Cells by column and row; a tile of theirs may be missing in one source.

    Raises:
        UsageError: If there are very many.
    """
    reach = grid.within(common(a, b), area)
    known = [source.listed for source in (a, b) if source.listed is not None]
    if known:
        tiles = (tile for tile in frozenset().union(*known) if reach.holds(*tile))
        cells: Iterator[Cell] = (grid.cell_of(*tile) for tile in tiles)
    else:
        count = max(0, reach.right - reach.left) * max(0, reach.bottom - reach.top)
        if count > MAX_PLACES:
            raise UsageError(f"{count} tiles are too many to look at. Give an area with --aoi, or a lower --zoom.")
        first, last = grid.cell_of(reach.left, reach.top), grid.cell_of(reach.right - 1, reach.bottom - 1)
        columns, rows = range(first.column, last.column + 1), range(first.row, last.row + 1)
        cells = (Cell(column, row) for column in columns for row in rows)
    ordered = sorted(set(cells))
    if area is None or not ordered:
        return ordered
    west, south, east, north = np.array([grid.ground(cell) for cell in ordered]).T
    inside = area.contains((west + east) / 2, (south + north) / 2)
    return [cell for cell, is_inside in zip(ordered, inside, strict=True) if is_inside]
