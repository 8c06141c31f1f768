"""Which places become pairs, in which split, and why the others do not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from i2i.errors import DataError, UsageError
from i2i.pairs import LeftOut
from i2i.splits import Split
from i2i_tiles.areas import read_area
from i2i_tiles.grids import Cell, TileGrid
from i2i_tiles.mercator import Box, bounds, position
from i2i_tiles.opening import Maps
from i2i_tiles.rasters import GeoRaster
from i2i_tiles.regions import HoldOut, keep_apart
from i2i_tiles.sources import Coverage, MapSource, Place
from i2i_tiles.web import WebTiles

MAX_PLACES = 4_000_000
"""Most tiles that are considered where sources do not list what they have."""


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

    def leave_out_gaps(self, source: MapSource) -> None:
        """Leave out the places of which a source lacks a tile."""
        letter = "a" if source is self.maps.a else "b"
        for cell in list(self.splits):
            gap = next((place for place in self.places([cell]) if not source.has(place)), None)
            if gap is not None:
                name = "/".join(map(str, gap))
                self.leave_out(cell, f"missing-in-{letter}", f"{source.name!r} has no tile {name}.")

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
    result = Survey(maps, dict.fromkeys(_candidates(maps, aoi)))
    for source in (maps.a, maps.b):
        if source not in maps.servers:
            result.leave_out_gaps(source)
    if not result.splits:
        raise _nothing_in_common(maps)
    if hold_out.by != "none":
        splits = hold_out.split(list(result.splits), maps.grid)
        kept = keep_apart(splits, hold_out.buffer, maps.grid.around)
        result.splits.update(splits)
        for cell in [cell for cell in splits if cell not in kept]:
            result.leave_out(cell, "buffer", "It lies between two splits.")
    return result


def _candidates(maps: Maps, aoi: str | None) -> list[Cell]:
    """Return cells by column and row: within reach of both, where one of them has something, in the area of interest.

    A cell belongs to the area if its centre does; a tile of it may be missing in one source.
    """
    a, b, grid = maps
    if aoi is not None and grid.is_plain:
        raise UsageError("Plain images do not say where on Earth they lie. Leave --aoi out, or crop them.")
    area = None if aoi is None else read_area(aoi)
    if area is None and len(maps.servers) == 2:
        raise UsageError("Servers do not say where they have tiles. Give an area with --aoi west,south,east,north.")
    zoom = grid.zoom if isinstance(grid, TileGrid) else 0
    sources = (a.coverage(zoom), b.coverage(zoom))
    reach, n = _common(*sources), grid.stitch
    if isinstance(grid, TileGrid):
        end = (1 << zoom) // n * n  # whole cells that fit into the world
        reach = _common(reach, Coverage(0, 0, end, end))
        if area is not None:
            west, south, east, north = area.bounds
            (left, top), (right, bottom) = position(west, north, zoom), position(east, south, zoom)
            reach = _common(reach, Coverage(int(left) - n, int(top) - n, int(right) + n + 1, int(bottom) + n + 1))
    known = [source.listed for source in sources if source.listed is not None]
    if known:
        cells = {Cell(x // n, y // n) for x, y in frozenset().union(*known) if reach.holds(x, y)}
    else:
        count = max(0, reach.right - reach.left) * max(0, reach.bottom - reach.top)
        if count > MAX_PLACES:
            raise UsageError(f"{count} tiles are too many to look at. Give an area with --aoi, or a lower --zoom.")
        columns = range(reach.left // n, (reach.right - 1) // n + 1)
        rows = range(reach.top // n, (reach.bottom - 1) // n + 1)
        cells = {Cell(column, row) for column in columns for row in rows}
    ordered = sorted(cells)
    if area is not None and ordered:
        west, south, east, north = np.array([grid.ground(cell) for cell in ordered]).T
        inside = area.contains((west + east) / 2, (south + north) / 2)
        ordered = [cell for cell, is_inside in zip(ordered, inside, strict=True) if is_inside]
    return ordered


def _common(a: Coverage, b: Coverage) -> Coverage:
    """Return the bounds that two coverages share."""
    return Coverage(max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))


def _nothing_in_common(maps: Maps) -> DataError:
    """Return what to raise: where each map lies, if it says so."""
    a, b, grid = maps
    if grid.is_plain:
        return DataError(f"{a.name!r} and {b.name!r} are smaller than one square. Give a smaller --size.")
    look = "Look at --aoi, --zoom, --stitch and --size, and how rows are counted (--scheme, --scheme-b)."
    message = f"No whole picture lies in both {a.name!r} and {b.name!r}. {look}"
    for source in (a, b):
        if box := _degrees(source, grid):
            edges = ", ".join(f"{value:.4f}" for value in box)
            message += f" West, south, east and north of {source.name!r} are {edges}."
    return DataError(message)


def _degrees(source: MapSource, grid: object) -> Box | None:
    """Return where a map lies, if it says so: west, south, east and north."""
    if isinstance(source, GeoRaster):
        return source.degrees
    if isinstance(source, WebTiles) or not isinstance(grid, TileGrid):
        return None
    left, top, right, bottom, _ = source.coverage(grid.zoom)
    return bounds(grid.zoom, left, top, right, bottom) if left < right else None
