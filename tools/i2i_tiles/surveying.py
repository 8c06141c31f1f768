"""Which places become pairs, in which split, and why the others do not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from i2i.errors import DataError, UsageError
from i2i.pairs import LeftOut
from i2i.splits import Split
from i2i_tiles import splitting
from i2i_tiles.areas import read_area
from i2i_tiles.grids import TileGrid, candidates
from i2i_tiles.opening import Maps
from i2i_tiles.sources import Place, Source
from i2i_tiles.splitting import Cell
from i2i_tiles.web import WebTiles

_LOOK = "Look at the area, the zoom, and how rows are counted (--scheme, --scheme-b)."


@dataclass(frozen=True)
class Rule:
    """How places are divided; see the options of `i2i_tiles.tiles.Tiles`."""

    by: Literal["lat", "lon", "blocks", "geojson", "none"]
    val: float
    test: float
    buffer: int
    block: int
    area: Path | None
    seed: int

    @property
    def remarks(self) -> list[str]:
        """What the user may not expect of it."""
        if self.by != "geojson" or (self.val, self.test) == (0.1, 0.0):
            return []
        return ["The polygons alone say what is held out: --val and --test change nothing about it."]


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

    def leave_out_gaps(self, cells: Iterable[Cell], source: Source) -> list[Cell]:
        """The places of which a source has all tiles; the others are left out."""
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
        """The tiles of cells."""
        return [place for cell in cells for row in self.maps.grid.places(cell) for place in row]


def survey(maps: Maps, aoi: str | None, rule: Rule) -> Survey:
    """Find the places that both maps have, as far as that is known without asking servers, and split them.

    Raises:
        UsageError: If an area is wrong or missing, or the rule leaves a split empty.
        MissingInputError: If the file of an area is not there.
        DataError: If the maps have nothing in common.
    """
    cells = _places_in_common(maps, aoi)
    result = Survey(maps)
    for source in (maps.a, maps.b):
        if not isinstance(source, WebTiles):
            cells = result.leave_out_gaps(cells, source)
    if not cells:
        raise DataError(f"{maps.a.name!r} and {maps.b.name!r} have no place in common, but parts of some. {_LOOK}")
    if rule.by == "none":
        result.splits = dict.fromkeys(cells)
        return result
    kept, dropped = splitting.keep_apart(_split(maps, cells, rule), rule.buffer, maps.grid.around)
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
        raise DataError(f"{a.name!r} and {b.name!r} have no place in common. {_LOOK}")
    return cells


def _split(maps: Maps, cells: Sequence[Cell], rule: Rule) -> dict[Cell, Split]:
    if rule.by == "lat" or rule.by == "lon":
        return splitting.in_bands(cells, ("lon", "lat").index(rule.by), rule.val, rule.test)
    if rule.by == "blocks":
        return splitting.in_blocks(cells, rule.block, rule.val, rule.test, rule.seed)
    if maps.grid.is_plain:
        raise UsageError("Plain images do not say where on Earth they lie. Split them by lat, lon or blocks.")
    return splitting.by_area(cells, read_area(str(rule.area)), maps.grid.ground)
