"""One cell of two maps -> a pair of images, unless there is nothing to learn from it."""

from dataclasses import dataclass

import numpy as np

from i2i.errors import DataError
from i2i.images.colour import deviation
from i2i.images.geometry import pick, resize
from i2i.pairs import Pair, Pixels, SkipError, range_of
from i2i_tiles.grids import Cell
from i2i_tiles.mercator import flipped
from i2i_tiles.opening import Maps
from i2i_tiles.sources import MapSource, Patch, Place

BRIGHT = 0.75
"""Darkest channel of a cloudy pixel, as a share of the range."""
COLOURLESS = 0.1
"""Largest difference between the channels of a cloudy pixel, as a share of the range."""


@dataclass(frozen=True)
class Limits:
    """What is left out; see the options of `i2i_tiles.tiles.Tiles`."""

    size: int | None
    nearest: bool
    map_is_first: bool
    max_nodata: float
    min_detail: float
    max_one_colour: float
    max_cloud: float | None


def make_pair(maps: Maps, cell: Cell, limits: Limits, *, turned: bool = False) -> Pair:
    """Make source and target of a cell, at one size.

    A larger picture is averaged over the area of each new pixel, or picked from with ``limits.nearest``; a smaller one
    is repeated, which neither rings nor makes new colours.

    Args:
        maps: The maps.
        cell: The cell; both maps have all its tiles.
        limits: What is left out.
        turned: Count the rows of the second map from the other end.

    Raises:
        SkipError: If there is nothing to learn from it.
        DataError: If a tile is damaged.
    """
    places = maps.grid.places(cell)
    first = _stitched(maps.a, places)
    second = _stitched(maps.b, [[flip(place) for place in row] for row in places] if turned else places)
    for patch, letter in ((first, "A"), (second, "B")):
        is_drawn = (patch is first) == limits.map_is_first
        check_worth(patch, limits, f"{letter} at {maps.grid.name(cell)}", is_drawn=is_drawn)
    size = limits.size or min(len(first.pixels), len(second.pixels))
    return Pair(*(_to_size(patch.pixels, size, limits.nearest) for patch in (first, second)))


def _to_size(pixels: Pixels, size: int, nearest: bool) -> Pixels:
    return resize(pixels, size, size) if size < len(pixels) and not nearest else pick(pixels, size, size)


def flip(place: Place) -> Place:
    """Return the place whose row counts as much from the other end."""
    return place._replace(y=flipped(place.zoom, place.y))


def check_worth(patch: Patch, limits: Limits, where: str, *, is_drawn: bool) -> None:
    """Leave out a picture with holes, of nothing, and of one colour or of clouds, as far as the limits say.

    Snow and salt look like clouds: that limit is a rule of thumb, for areas that have neither.

    Args:
        patch: The picture.
        limits: What is left out.
        where: Its name in errors.
        is_drawn: Whether it is a drawn map, and no photograph.

    Raises:
        SkipError: If it is left out: ``nodata``, ``blank``, ``one-colour`` or ``cloud``.
    """
    empty = float((~patch.filled).mean())
    if empty > limits.max_nodata:
        raise SkipError("nodata", f"{where} is without data on {empty:.0%} of its area.")
    if (spread := detail(patch.pixels)) < limits.min_detail:
        raise SkipError("blank", f"{where} shows nothing: its values vary by {spread:.1f} of 255.")
    if is_drawn and (share := _commonest(patch.pixels)) > limits.max_one_colour:
        raise SkipError("one-colour", f"{where} is one colour on {share:.1%} of its area.")
    if not is_drawn and limits.max_cloud is not None and (share := _cloudy(patch.pixels)) > limits.max_cloud:
        raise SkipError("cloud", f"{where} is bright and colourless on {share:.0%} of its area.")


def detail(pixels: Pixels) -> float:
    """Return the largest standard deviation of a channel, of 255."""
    return 255 * deviation(pixels)


def _commonest(pixels: Pixels) -> float:
    """Return the share of the pixels that have the commonest colour."""
    colours = np.ascontiguousarray(pixels).reshape(-1, pixels.shape[2])
    packed = colours.view(np.dtype((np.void, colours.dtype.itemsize * colours.shape[1])))
    return float(np.unique(packed, return_counts=True)[1].max() / len(colours))


def _cloudy(pixels: Pixels) -> float:
    """Return the share of the pixels that are bright and colourless."""
    low, high = range_of(pixels.dtype)
    shares = (pixels.astype(np.float32) - low) / np.float32(high - low)
    darkest, brightest = shares.min(axis=2), shares.max(axis=2)
    return float(((darkest >= BRIGHT) & (brightest - darkest <= COLOURLESS)).mean())


def _stitched(source: MapSource, places: list[list[Place]]) -> Patch:
    """Stitch the tiles of a cell to one picture."""
    patches = [[source.patch(place) for place in row] for row in places]
    shapes = {patch.pixels.shape for row in patches for patch in row}
    (height, width, _), *others = shapes
    if others or height != width:
        sizes = ", ".join(sorted(f"{width}x{height}x{channels}" for height, width, channels in shapes))
        place = "/".join(map(str, places[0][0]))
        raise DataError(f"Tiles of {source.name!r} at {place} are {sizes}. Squares of one size are needed.")
    pixels, filled = (
        np.concatenate([np.concatenate([patch[part] for patch in row], axis=1) for row in patches]) for part in (0, 1)
    )
    return Patch(pixels, filled)
