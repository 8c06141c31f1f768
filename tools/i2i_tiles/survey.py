"""Which places become pairs, in which split, and why the others do not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from i2i.errors import DataError, UsageError
from i2i.pairs import LeftOut
from i2i.splits import Split
from i2i_tiles.areas import read_area
from i2i_tiles.grids import Cell, TileGrid, candidates
from i2i_tiles.mercator import Box, bounds
from i2i_tiles.opening import Maps
from i2i_tiles.rasters import GeoRaster
from i2i_tiles.regions import HoldOut
from i2i_tiles.sources import MapSource, Place
from i2i_tiles.web import WebTiles


@dataclass
class Survey:
    """What is known about every place so far."""

    maps: Maps
    splits: dict[Cell, Split | None] = field(default_factory=dict)
    """The places that are still to become pairs; their split is None where it is decided elsewhere."""
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, cell: Cell, reason: str, message: str, *, wrong: bool = False) -> None:
        """Make no pair of a place; ``wrong`` if one was to be expected."""
        self.splits.pop(cell, None)
        status: Literal["skipped", "rejected"] = "rejected" if wrong else "skipped"
        self.left_out.append(LeftOut(self.maps.grid.name(cell), status, reason, message))

    def leave_out_gaps(self, cells: Iterable[Cell], source: MapSource) -> list[Cell]:
        """Return the places of which a source has all tiles; the others are left out."""
        letter = "a" if source is self.maps.a else "b"
        complete = []
        for cell in cells:
            gap = next((place for place in self.places([cell]) if not source.has(place)), None)
            if gap is None:
                complete.append(cell)
            else:
                name = "/".join(map(str, gap))
                self.leave_out(cell, f"missing-in-{letter}", f"{source.name!r} has no tile {name}.")
        return complete

    def places(self, cells: Iterable[Cell]) -> list[Place]:
        """Return the tiles of cells."""
        return [place for cell in cells for row in self.maps.grid.places(cell) for place in row]


def survey(maps: Maps, aoi: str | None, hold_out: HoldOut) -> Survey:
    """Find the places that both maps have, as far as that is known without asking servers, and split them.

    Raises:
        UsageError: If an area is wrong or missing, or a split would be empty.
        MissingInputError: If the file of an area is not there.
        DataError: If the maps have nothing in common.
    """
    cells = _places_in_common(maps, aoi)
    result = Survey(maps)
    for source in (maps.a, maps.b):
        if not isinstance(source, WebTiles):
            cells = result.leave_out_gaps(cells, source)
    if not cells:
        raise _nothing_in_common(maps, aoi)
    if hold_out.by == "none":
        result.splits = dict.fromkeys(cells)
        return result
    kept, dropped = hold_out.split(cells, maps.grid)
    result.splits = dict(kept)
    for cell in dropped:
        result.leave_out(cell, "buffer", "It lies between two splits.")
    return result


def _places_in_common(maps: Maps, aoi: str | None) -> list[Cell]:
    a, b, grid = maps
    if aoi is not None and grid.is_plain:
        raise UsageError("Plain images do not say where on Earth they lie. Leave --aoi out, or crop them.")
    area = None if aoi is None else read_area(aoi)
    if area is None and isinstance(a, WebTiles) and isinstance(b, WebTiles):
        raise UsageError("Servers do not say where they have tiles. Give an area with --aoi west,south,east,north.")
    zoom = grid.zoom if isinstance(grid, TileGrid) else 0
    cells = candidates(grid, a.coverage(zoom), b.coverage(zoom), area)
    if not cells:
        raise _nothing_in_common(maps, aoi)
    return cells


def _nothing_in_common(maps: Maps, aoi: str | None) -> DataError:
    """Return what to raise: where both maps lie, if that tells, and whether they overlap."""
    a, b, grid = maps
    names = f"{a.name!r} and {b.name!r}"
    smaller = f"--zoom above {grid.zoom}, or a smaller --stitch" if isinstance(grid, TileGrid) else "a smaller --size"
    if grid.is_plain:
        return DataError(f"{names} are smaller than one square. Give {smaller}.")
    one, other = (_degrees(source, grid) for source in (a, b))
    if one is None or other is None or aoi is not None:
        return DataError(f"{names} have no place in common there. Look at --aoi, --zoom, and how rows are counted.")
    where = " and ".join(", ".join(f"{value:.4f}" for value in box) for box in (one, other))
    if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]:
        return DataError(f"{names} overlap, but no whole picture lies in both. Give {smaller}. They cover {where}.")
    look = "Look at the coordinate systems, and how rows are counted (--scheme, --scheme-b)."
    return DataError(f"{names} lie apart: west, south, east and north are {where}. {look}")


def _degrees(source: MapSource, grid: object) -> Box | None:
    """Return where a map lies, if it says so."""
    if isinstance(source, GeoRaster):
        return source.degrees
    if isinstance(source, WebTiles) or not isinstance(grid, TileGrid):
        return None
    left, top, right, bottom, _ = source.coverage(grid.zoom)
    return bounds(grid.zoom, left, top, right, bottom) if left < right else None
