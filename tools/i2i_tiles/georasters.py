"""Georeferenced rasters, cut as they are or warped to web tiles."""

import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from i2i.errors import DataError, UsageError
from i2i.pairs import Pixels
from i2i_tiles.mercator import MAX_LATITUDE, MAX_ZOOM, RADIUS, Box, metres, position
from i2i_tiles.rasters import Shape
from i2i_tiles.sources import TILE, Coverage, Credit, Patch, Place, text_of

SLACK = 1e-6
"""Tiles by which bounds may miss an edge of the grid, through rounding."""
SUFFIXES = (".tif", ".tiff", ".vrt")
MAX_VRT_BYTES = 64 * 2**20
NOT_FOLLOWED = frozenset({"SRS", "SourceSRS", "TargetSRS", "GCPList", "MDI"})
"""Parts of a VRT in which addresses are only words: coordinate systems and metadata."""


class GeoRaster:
    """A georeferenced raster: GeoTIFF, cloud-optimised or not, or VRT.

    Args:
        path: The file.
        name: As the user typed it.
        side: Cut into squares of as many pixels on its own grid; warped to the tiles of web maps when not given.
        nearest: Take the nearest stored pixel when warping, as for maps whose colours are classes; else bilinear, over
            the area of the new pixel where that is larger.

    Raises:
        DataError: If it cannot be read, has no coordinate system, or holds values of unknown range.
        UsageError: If rasterio is not installed, or a VRT leads elsewhere than to files.
    """

    def __init__(self, path: Path, name: str, *, side: int | None = None, nearest: bool = False) -> None:
        rasterio = _rasterio()
        if path.suffix.lower() == ".vrt":
            check_vrt(path, name)
        try:
            self._raster = rasterio.open(path, driver="VRT" if path.suffix.lower() == ".vrt" else "GTiff")
        except rasterio.errors.RasterioIOError as error:
            raise DataError(f"{name!r} cannot be read: {error}.") from None
        self.name = name
        self.side = side
        self._nearest = nearest
        if self._raster.crs is None:
            raise DataError(f"{name!r} has no coordinate system. Assign one, for example with gdal_edit.py -a_srs.")
        if self._raster.dtypes[0] not in ("uint8", "uint16"):
            raise DataError(f"{name!r} holds {self._raster.dtypes[0]}. Scale it to 8 or 16 bits without sign first.")
        self.shape = Shape(
            self._raster.height, self._raster.width, self._raster.crs.to_wkt(), tuple(self._raster.transform)[:6]
        )
        self.credit = Credit(attribution=text_of(self._raster.tags().get("TIFFTAG_COPYRIGHT")))

    @property
    def degrees(self) -> Box:
        """West, south, east and north; what lies beyond the world of web maps is cut off."""
        west, south, east, north = self.ground((0, 0, self.shape.width, self.shape.height))
        return west, max(south, -MAX_LATITUDE), east, min(north, MAX_LATITUDE)

    def ground(self, box: Box) -> Box:
        """West, south, east and north in degrees of a part of the raster, given in its pixels from the top left."""
        across, skewed, left, leaning, along, top = tuple(self._raster.transform)[:6]
        corners = [(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        xs = [left + across * x + skewed * y for x, y in corners]
        ys = [top + leaning * x + along * y for x, y in corners]
        west, south, east, north = _rasterio().warp.transform_bounds(
            self._raster.crs, "EPSG:4326", min(xs), min(ys), max(xs), max(ys)
        )
        return west, south, east, north

    @property
    def metres_per_pixel(self) -> float:
        """Size on the ground of the pixel in the middle."""
        across, skewed, left, leaning, along, top = tuple(self._raster.transform)[:6]
        x, y = self.shape.width / 2, self.shape.height / 2
        points = [(x, y), (x + 1, y), (x, y + 1)]
        xs = [left + across * x + skewed * y for x, y in points]
        ys = [top + leaning * x + along * y for x, y in points]
        longitudes, latitudes = np.radians(_rasterio().warp.transform(self._raster.crs, "EPSG:4326", xs, ys))
        east, north = RADIUS * np.cos(latitudes[0]) * np.diff(longitudes), RADIUS * np.diff(latitudes)
        # from the middle to its neighbour on the right, and from there to the one below the middle
        return math.sqrt(abs(east[0] * north[1] - east[1] * north[0]))

    def zooms(self) -> tuple[int, int]:
        """From the whole world in one tile to the finest zoom at which no pixel is invented."""
        west, _, east, _ = self.degrees
        around = self.shape.width * 360 / (east - west)  # pixels around the equator
        return 0, max(0, min(MAX_ZOOM, math.floor(math.log2(around / TILE) + 0.01)))

    def coverage(self, zoom: int) -> Coverage:
        """All tiles, or squares, that lie inside."""
        if self.side is not None:
            return Coverage(0, 0, self.shape.width // self.side, self.shape.height // self.side)
        west, south, east, north = self.degrees
        (left, top), (right, bottom) = position(west, north, zoom), position(east, south, zoom)
        return Coverage(
            math.ceil(left - SLACK), math.ceil(top - SLACK), math.floor(right + SLACK), math.floor(bottom + SLACK)
        )

    def has(self, place: Place) -> bool:
        """Whether the tile lies inside."""
        return self.coverage(place.zoom).holds(place.x, place.y)

    def patch(self, place: Place) -> Patch:
        """A tile of `TILE` pixels, or a square of the raster."""
        if self.side is None:
            return self._warped(place)
        window = _rasterio().windows.Window(place.x * self.side, place.y * self.side, self.side, self.side)
        return self._finished(self._raster, window=window)

    def digest(self, place: Place) -> str:
        """Tiles are not stored."""
        return ""

    def _warped(self, place: Place) -> Patch:
        rasterio = _rasterio()
        alpha, palette = rasterio.enums.ColorInterp.alpha, rasterio.enums.ColorInterp.palette
        left, _, right, top = metres(*place)
        pixel = (right - left) / TILE
        nearest = self._nearest or self._raster.colorinterp[0] == palette
        with rasterio.vrt.WarpedVRT(
            self._raster,
            crs="EPSG:3857",
            transform=rasterio.Affine(pixel, 0, left, 0, -pixel, top),
            width=TILE,
            height=TILE,
            resampling=rasterio.enums.Resampling.nearest if nearest else rasterio.enums.Resampling.bilinear,
            add_alpha=alpha not in self._raster.colorinterp,
        ) as warped:
            return self._finished(warped)

    def _finished(self, dataset: Any, **part: Any) -> Patch:
        """The bands that are no opacity, as (H, W, C); a palette becomes its colours."""
        rasterio = _rasterio()
        alpha, palette = rasterio.enums.ColorInterp.alpha, rasterio.enums.ColorInterp.palette
        bands = [number for number, kind in enumerate(self._raster.colorinterp, 1) if kind != alpha]
        try:
            stored: Pixels = np.moveaxis(dataset.read(bands, **part), 0, -1)
            filled = dataset.dataset_mask(**part) > 0
        except rasterio.errors.RasterioIOError as error:
            raise DataError(f"{self.name!r} cannot be read: {error}.") from None
        if self._raster.colorinterp[0] == palette:
            colours = self._raster.colormap(1)
            table = np.array([colours.get(index, (0, 0, 0, 0))[:3] for index in range(256)], np.uint8)
            stored = table[stored[..., 0]]
        white = np.array(np.iinfo(stored.dtype).max, stored.dtype)
        return Patch(np.ascontiguousarray(np.where(filled[..., None], stored, white)), filled)


def check_vrt(path: Path, name: str) -> None:
    """Refuse a VRT that GDAL would follow anywhere but into image files.

    Raises:
        DataError: If it is no XML.
        UsageError: If it leads to the network, into an archive, or to another description instead of an image.
    """
    if path.stat().st_size > MAX_VRT_BYTES:
        raise DataError(f"{name!r} is larger than {MAX_VRT_BYTES} bytes. Give a VRT of fewer files, or a GeoTIFF.")
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise DataError(f"{name!r} is no VRT that can be read: {error}.") from None
    for element in root.iter():
        texts = [element.text or "", *element.attrib.values()]
        is_followed = element.tag not in NOT_FOLLOWED or element.get("key", "").endswith("_DATASET")
        if is_followed and any(re.search("/vsi|://", text) for text in texts):
            raise UsageError(f"{name!r} leads to the network or into archives. Give a VRT of plain files.")
        if element.tag in ("SourceFilename", "SourceDataset") and _is_description(path.parent / (element.text or "")):
            raise UsageError(f"{name!r} leads to another description, {element.text!r}. Give a VRT of image files.")


def _is_description(file: Path) -> bool:
    """Whether GDAL would read a file for where an image is; a name that is none may hold a description itself."""
    if not file.is_file():
        return "<" in file.name
    with file.open("rb") as stream:
        return stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def is_georeferenced(path: Path) -> bool:
    """Whether an image file says where on Earth it lies, by the keys of GeoTIFF, or is a VRT."""
    if path.suffix.lower() == ".vrt":
        return True
    if path.suffix.lower() not in SUFFIXES:
        return False
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return file.pages.first.is_geotiff
    except Exception as error:  # it raises whatever it likes about damaged files
        raise DataError(f"{str(path)!r} is damaged ({error}). Copy or download it again.") from None


def _rasterio() -> Any:
    """The library, with the parts that are used here.

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
        raise UsageError("Georeferenced rasters need a library. Install it: pip install 'i2i-toolkit[geo]'.") from None
    return rasterio
