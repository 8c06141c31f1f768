"""What can only be seen by looking at many tiles: placeholders, and maps that do not lie on each other."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from i2i.data.order import spread
from i2i.errors import DataError
from i2i.images.colour import Gray, luma
from i2i.images.shift import Shift, shift_between
from i2i.pairs import SkipError
from i2i_tiles.grids import Cell, TileGrid
from i2i_tiles.opening import Maps
from i2i_tiles.pairing import Limits, detail, flip, make_pair
from i2i_tiles.sources import MapSource, Place, StoredTiles

SAMPLE = 16
"""Pairs that are enough to see whether two maps lie on each other."""
MAX_LOOKED_AT = 64
WARN_AT = 1.0
"""Pixels by which maps may be shifted without a word."""
REFUSE_AT = 4.0
"""Pixels by which maps may be shifted with a warning."""


def placeholders(source: MapSource, grid_places: Sequence[Place], repeats: int, min_detail: float) -> set[Place]:
    """Return tiles that a server sends where it has nothing: the same bytes in many places.

    Tiles of one flat colour are none; the sea looks the same everywhere.

    Args:
        source: Where the tiles are.
        grid_places: The tiles to look at; all are there.
        repeats: Places with the same bytes that make a placeholder; 0 finds none.
        min_detail: Standard deviation, of 255, below which a tile is flat.
    """
    if not repeats or not isinstance(source, StoredTiles):
        return set()
    places: dict[bytes, list[Place]] = {}
    for place in grid_places:
        with suppress(DataError):  # in the report later, with its reason
            places.setdefault(hashlib.sha256(source.data(place) or b"").digest(), []).append(place)
    found: set[Place] = set()
    for same in places.values():
        with suppress(DataError):
            if len(same) >= repeats and detail(source.patch(same[0]).pixels) >= min_detail:
                found.update(same)
    return found


def check_alignment(maps: Maps, cells: Sequence[Cell], limits: Limits, *, force: bool) -> tuple[Shift, list[str]]:
    """Look whether both maps show the same places, on a sample.

    Args:
        maps: The maps.
        cells: Cells that both have.
        limits: What pairs are made like.
        force: Only warn.

    Returns:
        The shift between them, and warnings.

    Raises:
        DataError: If they are far apart, or one lies upside down.
    """
    shift = shift_between(_sample(maps, cells, limits))
    if shift.clear and shift.length <= WARN_AT:
        return shift, []
    if shift.clear:
        across = f"{abs(shift.right):.1f} to the {'right' if shift.right > 0 else 'left'}"
        along = f"{abs(shift.down):.1f} {'down' if shift.down > 0 else 'up'}"
        problem = f"B lies {shift.length:.1f} pixels beside A: {across}, {along}. Align the maps first."
    elif _fits_turned(maps, cells, limits):
        problem = "B fits A only with its rows counted from the other end. Look at --scheme and --scheme-b."
    else:
        return shift, ["The edges of the two maps do not tell whether they lie on each other: look at some pairs."]
    if not force and (not shift.clear or shift.length > REFUSE_AT):
        raise DataError(f"{problem} To make the pairs as they are, give --force.")
    return shift, [problem]


def _fits_turned(maps: Maps, cells: Sequence[Cell], limits: Limits) -> bool:
    """Tell whether the second map fits with its rows in the other order."""
    if not isinstance(maps.grid, TileGrid):
        return False
    there = [cell for cell in cells if all(maps.b.has(flip(place)) for row in maps.grid.places(cell) for place in row)]
    return shift_between(_sample(maps, there, limits, turned=True)).clear


def _sample(maps: Maps, cells: Sequence[Cell], limits: Limits, *, turned: bool = False) -> Iterator[tuple[Gray, Gray]]:
    """Yield brightness of pairs from everywhere, as long as they show something."""
    if not cells:
        return
    found = 0
    looked_at = spread(len(cells), MAX_LOOKED_AT)
    for index in np.random.default_rng(0).permutation(looked_at):  # everywhere before it is half done
        try:
            pair = make_pair(maps, cells[index], limits, turned=turned)
        except (SkipError, DataError):  # in the report later, with its reason
            continue
        yield luma(pair.source[..., :3]), luma(pair.target[..., :3])
        found += 1
        if found == SAMPLE:
            return
