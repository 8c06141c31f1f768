"""One cell of two maps -> a pair of images."""

from dataclasses import dataclass

import numpy as np

from i2i.errors import DataError
from i2i.images import resize
from i2i.pairs import Pair, Pixels
from i2i_tiles import filters
from i2i_tiles.opening import Maps
from i2i_tiles.sources import Patch, Place, Source
from i2i_tiles.splitting import Cell


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


def make_pair(maps: Maps, cell: Cell, limits: Limits) -> Pair:
    """Source and target of a cell, at one size.

    Raises:
        SkipError: If there is nothing to learn from it.
        DataError: If a tile is damaged.
    """
    places = maps.grid.places(cell)
    first, second = (stitched(source, places) for source in (maps.a, maps.b))
    names = [f"{letter} at {maps.grid.name(cell)}" for letter in "AB"]
    for patch, name in ((first, names[0]), (second, names[1])):
        filters.check_filled(patch.filled, limits.max_nodata, name)
        filters.check_detail(patch.pixels, limits.min_detail, name)
    drawn, photographed = (0, 1) if limits.map_is_first else (1, 0)
    patches = (first, second)
    filters.check_colours(patches[drawn].pixels, limits.max_one_colour, names[drawn])
    if limits.max_cloud is not None:
        filters.check_clouds(patches[photographed].pixels, limits.max_cloud, names[photographed])
    size = limits.size or min(len(first.pixels), len(second.pixels))
    return Pair(*(to_size(patch.pixels, size, limits.nearest) for patch in patches))


def stitched(source: Source, places: list[list[Place]]) -> Patch:
    """The tiles of a cell as one picture.

    Raises:
        DataError: If a tile is damaged, not square, or does not fit to the others.
    """
    patches = [[source.patch(place) for place in row] for row in places]
    shape = patches[0][0].pixels.shape
    if shape[0] != shape[1] or any(patch.pixels.shape != shape for row in patches for patch in row):
        shapes = sorted({f"{p.pixels.shape[1]}x{p.pixels.shape[0]}x{p.pixels.shape[2]}" for r in patches for p in r})
        place = "/".join(map(str, places[0][0]))
        raise DataError(f"Tiles of {source.name!r} at {place} are {', '.join(shapes)}. Squares of one size are needed.")
    pixels, filled = (
        np.concatenate([np.concatenate([patch[part] for patch in row], axis=1) for row in patches]) for part in (0, 1)
    )
    return Patch(pixels, filled)


def to_size(pixels: Pixels, size: int, nearest: bool) -> Pixels:
    """A square picture at another size: smaller by the mean over the area of each new pixel, larger by repeating.

    Neither rings, and repeating makes no new colours. With ``nearest``, pixels are picked in both directions.

    Args:
        pixels: (H, H, C).
        size: New height and width.
        nearest: Make no new colours when shrinking either.
    """
    if size < len(pixels) and not nearest:
        return resize(pixels, size, size)
    picked = ((np.arange(size) + 0.5) * len(pixels) / size).astype(int)
    return np.ascontiguousarray(pixels[picked][:, picked])
