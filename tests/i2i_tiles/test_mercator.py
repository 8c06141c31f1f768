import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i_tiles import mercator

zooms = st.integers(0, mercator.MAX_ZOOM)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int, int]:
    zoom = draw(zooms)
    tile = st.integers(0, 2**zoom - 1)
    return zoom, draw(tile), draw(tile)


@given(places())
def test_the_middle_of_a_tile_lies_in_the_tile(place: tuple[int, int, int]) -> None:
    zoom, x, y = place
    west, south, east, north = mercator.bounds(zoom, x, y, x + 1, y + 1)
    column, row = mercator.position((west + east) / 2, (south + north) / 2, zoom)
    assert (int(column), int(row)) == (x, y)


@given(places())
def test_neighbours_share_their_border_exactly(place: tuple[int, int, int]) -> None:
    zoom, x, y = place
    here = mercator.bounds(zoom, x, y, x + 1, y + 1)
    assert here[2] == mercator.bounds(zoom, x + 1, y, x + 2, y + 1)[0]
    assert here[1] == mercator.bounds(zoom, x, y + 1, x + 1, y + 2)[3]


@pytest.mark.parametrize("place", [(0, 0, 0), (3, 5, 2), (12, 2200, 1343), (18, 140000, 86000)])
def test_metres_are_those_of_proj(place: tuple[int, int, int]) -> None:
    warp = pytest.importorskip("rasterio.warp")
    zoom, x, y = place
    bounds = mercator.bounds(zoom, x, y, x + 1, y + 1)
    expected = warp.transform_bounds("EPSG:4326", "EPSG:3857", *bounds)
    assert mercator.metres(*place) == pytest.approx(expected, rel=1e-9, abs=1e-3)


def test_the_southernmost_row_is_the_first_of_tms() -> None:
    assert mercator.flipped(4, 15) == 0
    assert mercator.flipped(4, mercator.flipped(4, 3)) == 3


def test_the_scale_is_that_of_the_specification() -> None:
    assert mercator.metres_per_pixel(1, 0, 256) == pytest.approx(78271.5170, abs=1e-4)  # "Bing Maps Tile System"
    assert mercator.metres_per_pixel(10, 60, 512) == pytest.approx(mercator.metres_per_pixel(10, 0, 256) / 4)


def test_the_world_ends_where_it_is_square() -> None:
    assert pytest.approx(85.0511287798) == mercator.MAX_LATITUDE
    assert mercator.position(0, 90, 5)[1] == pytest.approx(0, abs=1e-9)
    assert math.isfinite(mercator.position(0, -90, 5)[1])
