"""From what the user typed to two sources on one grid."""

import os
from pathlib import Path
from typing import NamedTuple

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images import MAX_PIXELS
from i2i_tiles.grids import Grid, PixelGrid, TileGrid
from i2i_tiles.rasters import GeoRaster, PlainRaster, SquaresOf, is_georeferenced
from i2i_tiles.sources import TILE, MapSource
from i2i_tiles.stores import MBTiles, PMTiles, Scheme, TileFolder
from i2i_tiles.web import WebTiles, is_address


class Cut(NamedTuple):
    """How maps are to be cut; the options that decide it."""

    zoom: int | None
    size: int | None
    stitch: int
    schemes: tuple[Scheme, Scheme]
    nearest: bool
    cache: Path
    max_pixels: int = MAX_PIXELS

    @property
    def side(self) -> int:
        """Return the side of a square of a raster that is cut without warping, pixels."""
        return self.size or TILE * self.stitch


class Maps(NamedTuple):
    """Two sources, and the grid that both are cut in."""

    a: MapSource
    b: MapSource
    grid: Grid

    @property
    def servers(self) -> list[WebTiles]:
        """Return those of the two that have to be asked."""
        return [source for source in (self.a, self.b) if isinstance(source, WebTiles)]


def open_maps(names: tuple[str, str], cut: Cut) -> Maps:
    """Open the two maps.

    Two plain images are cut as they are, and so are two GeoTIFFs, on the grid of the one with larger pixels, unless a
    zoom is asked for; everything else is cut into web tiles.

    Raises:
        MissingInputError: If a file is not there.
        UsageError: If one is plain and the other is not, no zoom suits both, or a library is missing.
        DataError: If a file is damaged, or two plain images differ in size.
    """
    kinds = [_kind(name) for name in names]
    if "plain" in kinds:
        return _plain(names, kinds, cut)
    if kinds == ["georeferenced"] * 2 and cut.zoom is None:
        grid = max((GeoRaster(Path(name)) for name in names), key=lambda raster: raster.metres_per_pixel)
        one, other = (SquaresOf(Path(name), cut.side, grid, nearest=cut.nearest) for name in names)
        return Maps(one, other, PixelGrid(cut.side, grid.shape, grid))
    a, b = (_open(name, kind, scheme, cut) for name, kind, scheme in zip(names, kinds, cut.schemes, strict=True))
    zoom = _finest(a, b) if cut.zoom is None else cut.zoom
    return Maps(a, b, TileGrid(zoom, cut.stitch))


def absolute(name: str) -> str:
    """Return a source as any process can open it."""
    return name if is_address(name) else os.path.abspath(name)


def _kind(name: str) -> str:
    path = Path(name)
    if is_address(name):
        return "address"
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise MissingInputError(
            f"There is no {name!r}. Give a file, a tile folder, or an address with {{z}}/{{x}}/{{y}}."
        )
    if path.suffix.lower() == ".vrt":
        raise UsageError(
            f"{name!r} is a VRT, which may lead anywhere. Make a GeoTIFF of it: gdal_translate IN.vrt OUT.tif"
        )
    if path.suffix.lower() in (".mbtiles", ".pmtiles"):
        return path.suffix.lower()
    return "georeferenced" if is_georeferenced(path) else "plain"


def _plain(names: tuple[str, str], kinds: list[str], cut: Cut) -> Maps:
    if kinds != ["plain"] * 2:
        plain = names[kinds.index("plain")]
        raise UsageError(
            f"{Path(plain).name!r} does not say where on Earth it lies. Two plain images can be cut together, or none."
        )
    if cut.zoom is not None:
        raise UsageError("Plain images have no zoom. Leave --zoom out; --size says how large the squares are.")
    a, b = (PlainRaster(Path(name), cut.side, cut.max_pixels) for name in names)
    if a.shape != b.shape:
        sizes = " and ".join(f"{raster.shape.width}x{raster.shape.height}" for raster in (a, b))
        raise DataError(f"Two plain images must have one size to lie on each other, these have {sizes}.")
    return Maps(a, b, PixelGrid(cut.side, a.shape, None))


def _open(name: str, kind: str, scheme: Scheme, cut: Cut) -> MapSource:
    if kind == "address":
        return WebTiles(name, scheme, cut.cache)
    if kind == "folder":
        return TileFolder(Path(name), scheme)
    if kind == ".mbtiles":
        return MBTiles(Path(name))
    if kind == ".pmtiles":
        return PMTiles(Path(name))
    return GeoRaster(Path(name), nearest=cut.nearest)


def _finest(a: MapSource, b: MapSource) -> int:
    zooms = [found for found in (a.zooms(), b.zooms()) if found is not None]
    if not zooms:
        raise UsageError("Addresses do not say which zooms they have. Give one with --zoom.")
    coarsest, finest = max(zoom[0] for zoom in zooms), min(zoom[1] for zoom in zooms)
    if coarsest > finest:
        raise UsageError(f"The maps have no zoom in common: one ends at {finest}, the other begins at {coarsest}.")
    return finest
