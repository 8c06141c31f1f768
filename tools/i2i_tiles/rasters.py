"""Maps as whole images: plain ones, and georeferenced ones that are cut on a grid of pixels or warped to web tiles."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.pairs import Pixels
from i2i_tiles.mercator import MAX_LATITUDE, MAX_ZOOM, RADIUS, Box, metres, position
from i2i_tiles.sources import TILE, Coverage, Credit, MapSource, Patch, Place, laid_on_white, text_of

SLACK = 1e-6
"""Tiles by which bounds may miss an edge of the grid, through rounding."""


class Shape(NamedTuple):
    """What two rasters must share to lie on one grid of pixels."""

    height: int
    width: int
    crs: str = ""
    """The coordinate system; nothing for a plain image."""
    transform: tuple[float, ...] = ()


class PlainRaster(MapSource):
    """An image file without coordinates, cut into squares.

    Args:
        path: The file.
        side: Side of the squares, pixels.
        max_pixels: Largest image that is read.

    Raises:
        ImageError: If it cannot be read.
    """

    def __init__(self, path: Path, side: int, max_pixels: int = images.MAX_PIXELS) -> None:
        self.name = path.name
        self._side = side
        picture = images.read(path, max_pixels=max_pixels, reading="alpha", allow="--max-pixels")
        self._whole = laid_on_white(picture.pixels)
        self.shape = Shape(*self._whole.filled.shape)

    def zooms(self) -> None:
        """Return nothing: a plain image has no zooms."""

    def coverage(self, zoom: int) -> Coverage:
        """Return all squares that fit in."""
        return Coverage(0, 0, self.shape.width // self._side, self.shape.height // self._side)

    def patch(self, place: Place) -> Patch:
        """Return a square; ``place.zoom`` does not matter."""
        top, left = place.y * self._side, place.x * self._side
        part = slice(top, top + self._side), slice(left, left + self._side)
        return Patch(np.ascontiguousarray(self._whole.pixels[part]), self._whole.filled[part])


class GeoRaster(MapSource):
    """A GeoTIFF, cloud-optimised or not, warped to the tiles of web maps.

    Args:
        path: The file.
        nearest: Take the nearest stored pixel when warping, as for maps whose colours are classes; else bilinear, over
            the area of the new pixel where that is larger.

    Raises:
        DataError: If it cannot be read, has no coordinate system, or holds values of unknown range.
        UsageError: If rasterio is not installed.
    """

    def __init__(self, path: Path, *, nearest: bool = False) -> None:
        self._rasterio = _rasterio()
        self.name = name = path.name
        try:
            self._raster = self._rasterio.open(path, driver="GTiff")
        except self._rasterio.errors.RasterioIOError as error:
            raise DataError(f"{name!r} cannot be read: {error}.") from None
        if self._raster.crs is None:
            raise DataError(f"{name!r} has no coordinate system. Assign one, for example with gdal_edit.py -a_srs.")
        if self._raster.dtypes[0] not in ("uint8", "uint16"):
            raise DataError(f"{name!r} holds {self._raster.dtypes[0]}. Scale it to 8 or 16 bits without sign first.")
        kinds = self._rasterio.enums.ColorInterp
        self._has_palette = self._raster.colorinterp[0] == kinds.palette
        self._has_alpha = kinds.alpha in self._raster.colorinterp
        self._bands = [number for number, kind in enumerate(self._raster.colorinterp, 1) if kind != kinds.alpha]
        self._nearest = nearest or self._has_palette
        transform = tuple(self._raster.transform)[:6]
        self.shape = Shape(self._raster.height, self._raster.width, self._raster.crs.to_wkt(), transform)
        self.credit = Credit(attribution=text_of(self._raster.tags().get("TIFFTAG_COPYRIGHT")))

    @property
    def degrees(self) -> Box:
        """Return west, south, east and north; what lies beyond the world of web maps is cut off."""
        west, south, east, north = self.ground((0, 0, self.shape.width, self.shape.height))
        return west, max(south, -MAX_LATITUDE), east, min(north, MAX_LATITUDE)

    def ground(self, box: Box) -> Box:
        """Return west, south, east and north in degrees of a part, given in pixels from the top left."""
        xs, ys = self._on_map([(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])])
        west, south, east, north = self._rasterio.warp.transform_bounds(
            self._raster.crs, "EPSG:4326", min(xs), min(ys), max(xs), max(ys)
        )
        return west, south, east, north

    def _on_map(self, points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
        """Return points, given in pixels from the top left, in the coordinate system of the raster."""
        across, skewed, left, leaning, along, top = self.shape.transform
        return (
            [left + across * x + skewed * y for x, y in points],
            [top + leaning * x + along * y for x, y in points],
        )

    @property
    def metres_per_pixel(self) -> float:
        """Return the size on the ground of the pixel in the middle."""
        x, y = self.shape.width / 2, self.shape.height / 2
        points = self._on_map([(x, y), (x + 1, y), (x, y + 1)])
        longitudes, latitudes = np.radians(self._rasterio.warp.transform(self._raster.crs, "EPSG:4326", *points))
        east, north = RADIUS * np.cos(latitudes[0]) * np.diff(longitudes), RADIUS * np.diff(latitudes)
        # from the middle to its neighbour on the right, and from there to the one below the middle
        return math.sqrt(abs(east[0] * north[1] - east[1] * north[0]))

    def zooms(self) -> tuple[int, int]:
        """Return from the whole world in one tile to the finest zoom at which no pixel is invented."""
        west, _, east, _ = self.degrees
        around = self.shape.width * 360 / (east - west)  # pixels around the equator
        return 0, max(0, min(MAX_ZOOM, math.floor(math.log2(around / TILE) + 0.01)))

    def coverage(self, zoom: int) -> Coverage:
        """Return all tiles that lie inside."""
        west, south, east, north = self.degrees
        return _inside(*position(west, north, zoom), *position(east, south, zoom))

    def patch(self, place: Place) -> Patch:
        """Return a tile of `TILE` pixels."""
        left, _, right, top = metres(*place)
        pixel = (right - left) / TILE
        with self._warped("EPSG:3857", (pixel, 0, left, 0, -pixel, top), TILE, TILE) as warped:
            return self._read(warped)

    def _warped(self, crs: Any, transform: tuple[float, ...], width: int, height: int, way: str = "bilinear") -> Any:
        """Return this raster as one on another grid of pixels, with opacity where it ends."""
        return self._rasterio.vrt.WarpedVRT(
            self._raster,
            crs=crs,
            transform=self._rasterio.Affine(*transform),
            width=width,
            height=height,
            resampling=self._rasterio.enums.Resampling["nearest" if self._nearest else way],
            add_alpha=not self._has_alpha,
        )

    def _read(self, dataset: Any, **part: Any) -> Patch:
        """Return the bands that are no opacity, as (H, W, C); a palette becomes its colours."""
        try:
            stored: Pixels = np.moveaxis(dataset.read(self._bands, **part), 0, -1)
            filled = dataset.dataset_mask(**part) > 0
        except self._rasterio.errors.RasterioIOError as error:
            raise DataError(f"{self.name!r} cannot be read: {error}.") from None
        if self._has_palette:
            colours = self._raster.colormap(1)
            table = np.array([colours.get(index, (0, 0, 0, 0))[:3] for index in range(256)], np.uint8)
            stored = table[stored[..., 0]]
        white = np.array(np.iinfo(stored.dtype).max, stored.dtype)
        return Patch(np.ascontiguousarray(np.where(filled[..., None], stored, white)), filled)


class SquaresOf(GeoRaster):
    """A GeoTIFF, cut into squares of a grid of pixels: its own as it is, or that of another GeoTIFF, warped to it.

    Args:
        path: The file.
        side: Side of the squares, pixels.
        grid: Whose grid it is.
        nearest: See `GeoRaster`.
    """

    def __init__(self, path: Path, side: int, grid: GeoRaster, *, nearest: bool = False) -> None:
        super().__init__(path, nearest=nearest)
        self._side = side
        self._dataset, end = self._raster, grid.shape
        bounds = [0.0, 0.0, float(end.width), float(end.height)]
        if self.shape != end:
            self._dataset = self._warped(grid._raster.crs, end.transform, end.width, end.height, "average")
            edges = self._rasterio.warp.transform_bounds(self._raster.crs, grid._raster.crs, *self._raster.bounds)
            on_grid = ~self._rasterio.Affine(*end.transform)
            xs, ys = zip(*(on_grid @ (x, y) for x in edges[::2] for y in edges[1::2]), strict=True)
            bounds = [max(0, min(xs)), max(0, min(ys)), min(end.width, max(xs)), min(end.height, max(ys))]
        self._coverage = _inside(*(edge / side for edge in bounds))

    def coverage(self, zoom: int) -> Coverage:
        """Return all squares that lie inside."""
        return self._coverage

    def patch(self, place: Place) -> Patch:
        """Return a square; ``place.zoom`` does not matter."""
        window = self._rasterio.windows.Window(place.x * self._side, place.y * self._side, self._side, self._side)
        return self._read(self._dataset, window=window)


def _inside(left: float, top: float, right: float, bottom: float) -> Coverage:
    """Return the whole tiles between bounds that are given in tiles."""
    left, top = math.ceil(left - SLACK), math.ceil(top - SLACK)
    return Coverage(left, top, math.floor(right + SLACK), math.floor(bottom + SLACK))


def is_georeferenced(path: Path) -> bool:
    """Tell whether an image file says where on Earth it lies, by the keys of GeoTIFF."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return file.pages.first.is_geotiff
    except Exception as error:  # it raises whatever it likes about damaged files
        raise DataError(f"{str(path)!r} is damaged ({error}). Copy or download it again.") from None


def _rasterio() -> Any:
    """Return the library, with the parts that are used here.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import rasterio
        import rasterio.enums
        import rasterio.errors
        import rasterio.vrt
        import rasterio.warp
        import rasterio.windows
    except ModuleNotFoundError:
        raise UsageError("GeoTIFFs need a library. Install it: pip install 'i2i-toolkit[geo]'.") from None
    return rasterio
