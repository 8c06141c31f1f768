from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tile_maps import png, two_maps

from i2i.errors import DataError, UsageError
from i2i.pairs import Finding, Pixels
from i2i_tiles import mercator
from i2i_tiles.rasters import GeoRaster, SquaresOf, is_georeferenced
from i2i_tiles.sources import TILE, Place
from i2i_tiles.tiles import Tiles

# of rasterio's own use of the library affine
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
rasterio = pytest.importorskip("rasterio")
transforms = pytest.importorskip("rasterio.transform")
enums = pytest.importorskip("rasterio.enums")

SIDE = 512
AERIAL, DRAWN = two_maps(SIDE, seed=1)
ZOOM, LEFT, TOP = 8, 132, 85
"""The rasters are two by two tiles, as large as there are pixels."""
METRES = (*mercator.metres(ZOOM, LEFT, TOP + 1)[:2], *mercator.metres(ZOOM, LEFT + 1, TOP)[2:])
DEGREES = mercator.bounds(ZOOM, LEFT, TOP, LEFT + 2, TOP + 2)


def write_tiff(file: Path, pixels: Pixels, crs: str | None = "EPSG:3857", bounds: Any = METRES, **options: Any) -> Path:
    height, width, count = pixels.shape
    if crs is not None:
        options |= {"crs": crs, "transform": transforms.from_bounds(*bounds, width, height)}
    colours = options.pop("colours", None)
    with rasterio.open(
        file, "w", driver="GTiff", height=height, width=width, count=count, dtype=str(pixels.dtype), **options
    ) as dataset:
        dataset.write(np.moveaxis(pixels, -1, 0))
        if colours is not None:
            dataset.write_colormap(1, colours)
        if count == 4:
            dataset.colorinterp = [getattr(enums.ColorInterp, name) for name in ("red", "green", "blue", "alpha")]
    return file


def find(preparer: Tiles, *sources: Path) -> Finding:
    return preparer.find([str(source) for source in sources], lambda done, total: None)


def test_plain_images_have_the_limit_of_pixels_of_all_images(tmp_path: Path) -> None:
    for name, pixels in (("a.png", AERIAL), ("b.png", DRAWN)):
        (tmp_path / name).write_bytes(png(pixels))
    names = [str(tmp_path / name) for name in ("a.png", "b.png")]
    small = Tiles(size=128, split_by="none", max_pixels=SIDE**2 - 1)
    for ask in (small.plan, lambda sources: small.find(sources, lambda done, total: None)):
        with pytest.raises(DataError, match=rf"allow more: --max-pixels={SIDE**2}\."):
            ask(names)
    assert len(find(Tiles(size=128, split_by="none", max_pixels=SIDE**2), *map(Path, names)).items) == 16


def test_rasters_on_one_grid_are_cut_as_they_are(tmp_path: Path) -> None:
    a, b = write_tiff(tmp_path / "a.tif", AERIAL), write_tiff(tmp_path / "b.tif", DRAWN)
    preparer = Tiles(size=128, split_by="none")
    finding = find(preparer, a, b)
    assert len(finding.items) == 16
    for item in finding.items:
        left, top, right, bottom = item.metadata["pixels"]
        pair = preparer.make(item)
        assert np.array_equal(pair.source, AERIAL[top:bottom, left:right])
        assert np.array_equal(pair.target, DRAWN[top:bottom, left:right])
    assert finding.items[0].metadata["bbox"][::3] == pytest.approx((DEGREES[0], DEGREES[3]))


def test_a_raster_on_the_grid_of_the_tiles_is_cut_to_the_pixel(tmp_path: Path) -> None:
    raster = GeoRaster(write_tiff(tmp_path / "a.tif", AERIAL))
    assert raster.zooms() == (0, ZOOM)
    assert raster.coverage(ZOOM)[:4] == (LEFT, TOP, LEFT + 2, TOP + 2)
    patch = raster.patch(Place(ZOOM, LEFT + 1, TOP))
    assert patch.filled.all()
    assert np.array_equal(patch.pixels, AERIAL[:TILE, TILE:])


def test_a_raster_in_degrees_is_warped_to_where_it_belongs(tmp_path: Path) -> None:
    height, width = 600, 900
    west, south, east, north = DEGREES
    latitudes = np.linspace(north, south, height, endpoint=False) + (south - north) / height / 2
    longitudes = np.linspace(west, east, width, endpoint=False) + (east - west) / width / 2
    # red is the longitude and green the latitude, so that each pixel says where it came from
    red = np.broadcast_to((longitudes - west) / (east - west) * 60000, (height, width))
    green = np.broadcast_to(((latitudes - south) / (north - south) * 60000)[:, None], (height, width))
    pixels = np.dstack([red, green, green]).astype(np.uint16)
    raster = GeoRaster(write_tiff(tmp_path / "a.tif", pixels, "EPSG:4326", DEGREES))
    patch = raster.patch(Place(ZOOM, LEFT, TOP + 1))
    inside = slice(4, -4)
    for row in range(4, TILE - 4, 50):
        for column in range(4, TILE - 4, 50):
            y = TOP + 1 + (row + 0.5) / TILE
            expected = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / 2**ZOOM))))
            found = south + (north - south) * patch.pixels[row, column, 1] / 60000
            assert found == pytest.approx(expected, abs=(north - south) / height)
            found = west + (east - west) * patch.pixels[row, column, 0] / 60000
            assert found == pytest.approx(west + (column + 0.5) / TILE * (east - west) / 2, abs=(east - west) / width)
    assert patch.filled[inside, inside].all()


def test_what_has_no_data_or_is_transparent_is_not_filled(tmp_path: Path) -> None:
    holes = AERIAL.copy()
    holes[:, :64] = 0
    holes[:, 64:] = holes[:, 64:].clip(1, None)
    clear = np.dstack([AERIAL, np.full((SIDE, SIDE), 255, np.uint8)])
    clear[:, :64, 3] = 0
    for file in (write_tiff(tmp_path / "a.tif", holes, nodata=0), write_tiff(tmp_path / "b.tif", clear)):
        warped, cut = GeoRaster(file), SquaresOf(file, TILE, GeoRaster(file))
        for patch in (warped.patch(Place(ZOOM, LEFT, TOP)), cut.patch(Place(0, 0, 0))):
            assert patch.pixels.shape == (TILE, TILE, 3)
            assert not patch.filled[:, :63].any()
            assert patch.filled[:, 65:].all()
            assert (patch.pixels[:, :63] == 255).all()


def test_a_palette_becomes_its_colours_and_no_others(tmp_path: Path) -> None:
    indices = np.random.default_rng(0).integers(0, 3, (SIDE, SIDE, 1), np.uint8)
    colours = {0: (255, 0, 0, 255), 1: (0, 255, 0, 255), 2: (0, 0, 255, 255)}
    raster = GeoRaster(write_tiff(tmp_path / "a.tif", indices, colours=colours))
    patch = raster.patch(Place(ZOOM - 1, LEFT // 2, TOP // 2))
    table = np.array([colours[index][:3] for index in range(3)], np.uint8)
    assert {tuple(colour) for colour in patch.pixels[patch.filled].tolist()} == {tuple(c) for c in table.tolist()}
    patch = raster.patch(Place(ZOOM, LEFT, TOP))
    assert np.array_equal(patch.pixels, table[indices[:TILE, :TILE, 0]])


def test_nearest_makes_no_new_colours(tmp_path: Path) -> None:
    raster = GeoRaster(write_tiff(tmp_path / "b.tif", DRAWN), nearest=True)
    stored = {tuple(colour) for colour in DRAWN.reshape(-1, 3).tolist()}
    patch = raster.patch(Place(ZOOM + 1, LEFT * 2, TOP * 2))
    assert {tuple(colour) for colour in patch.pixels.reshape(-1, 3).tolist()} <= stored


def test_only_tiff_with_coordinates_is_georeferenced(tmp_path: Path) -> None:
    assert is_georeferenced(write_tiff(tmp_path / "a.tif", AERIAL))
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        assert not is_georeferenced(write_tiff(tmp_path / "b.tif", AERIAL, None))
    (tmp_path / "c.png").write_bytes(png(AERIAL))
    assert not is_georeferenced(tmp_path / "c.png")
    (tmp_path / "d.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(DataError, match="damaged"):
        is_georeferenced(tmp_path / "d.tif")


def test_values_of_unknown_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="float32"):
        GeoRaster(write_tiff(tmp_path / "a.tif", AERIAL.astype(np.float32)))


def test_a_vrt_is_refused_with_the_way_to_make_a_geotiff_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.vrt").write_text("<VRTDataset/>")
    with pytest.raises(UsageError, match="gdal_translate"):
        find(Tiles(), tmp_path / "a.vrt", write_tiff(tmp_path / "b.tif", DRAWN))


def test_geotiffs_of_two_pixel_sizes_are_cut_on_the_larger_pixels(tmp_path: Path) -> None:
    # 2x2 px of one value, so that the mean over the area of the larger pixel is that value
    small = AERIAL[: SIDE // 2, : SIDE // 2]
    a = write_tiff(
        tmp_path / "a.tif", small.repeat(2, axis=0).repeat(2, axis=1), "EPSG:32633", (5e5, 5e6 - 512, 500512, 5e6)
    )
    b = write_tiff(tmp_path / "b.tif", small[::-1].copy(), "EPSG:32633", (5e5, 5e6 - 512, 500512, 5e6))
    preparer = Tiles(size=64, split_by="none", force=True)
    finding = find(preparer, a, b)
    assert len(finding.items) == 16
    for item in finding.items:
        left, top, right, bottom = item.metadata["pixels"]
        pair = preparer.make(item)
        assert np.array_equal(pair.target, small[::-1][top:bottom, left:right])
        assert np.array_equal(pair.source, small[top:bottom, left:right])


def test_geotiffs_that_overlap_in_part_are_cut_where_both_are(tmp_path: Path) -> None:
    a = write_tiff(tmp_path / "a.tif", AERIAL, "EPSG:32633", (5e5, 5e6 - 512, 500512, 5e6))
    b = write_tiff(tmp_path / "b.tif", DRAWN[:300, 100:400], "EPSG:32633", (500100, 5e6 - 300, 500400, 5e6))
    preparer = Tiles(size=100, split_by="none")
    finding = find(preparer, a, b)
    assert {tuple(item.metadata["pixels"]) for item in finding.items} == {
        (left, top, left + 100, top + 100) for left in (100, 200, 300) for top in (0, 100, 200)
    }
    for item in finding.items:
        left, top, right, bottom = item.metadata["pixels"]
        pair = preparer.make(item)
        assert np.array_equal(pair.source, AERIAL[top:bottom, left:right])
        assert np.array_equal(pair.target, DRAWN[top:bottom, left:right])


def test_why_two_geotiffs_have_nothing_in_common_is_said(tmp_path: Path) -> None:
    a = write_tiff(tmp_path / "a.tif", AERIAL[:200, :200], "EPSG:32633", (5e5, 5e6 - 200, 500200, 5e6))
    b = write_tiff(tmp_path / "b.tif", DRAWN[:200, :200], "EPSG:32633", (5e5, 6e6 - 200, 500200, 6e6))
    apart = r"No whole picture lies in both.*'a\.tif' are 15\.0000, 45\.1\d+, 15\.00.*'b\.tif' are 15\.0000, 54\."
    with pytest.raises(DataError, match=apart):
        find(Tiles(), a, b)
    with pytest.raises(DataError, match=r"No whole picture lies in both.*--size"):
        find(Tiles(), a, a)


@pytest.mark.parametrize(("crs", "bounds"), [("EPSG:3857", METRES), ("EPSG:4326", DEGREES)])
def test_the_size_of_a_pixel_on_the_ground_is_known_of_rasters_too(crs: str, bounds: Any, tmp_path: Path) -> None:
    raster = GeoRaster(write_tiff(tmp_path / "a.tif", AERIAL, crs, bounds))
    _, south, _, north = DEGREES
    expected = mercator.metres_per_pixel(ZOOM, (south + north) / 2, TILE)
    if crs == "EPSG:4326":  # pixels are as wide as on the map, and as high as the degrees between the borders are
        high = np.radians(north - south) * mercator.RADIUS / SIDE
        expected = np.sqrt(expected * high)
    assert raster.metres_per_pixel == pytest.approx(expected, rel=0.01)
    b = write_tiff(tmp_path / "b.tif", DRAWN, crs, bounds)
    facts = find(Tiles(size=128, split_by="none"), tmp_path / "a.tif", b).facts
    assert facts["metres_per_pixel"] == pytest.approx(raster.metres_per_pixel, abs=1e-4)
