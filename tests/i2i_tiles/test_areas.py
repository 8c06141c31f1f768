import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i.errors import MissingInputError, UsageError
from i2i_tiles.areas import Area, read_area

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]


def write(path: Path, data: Any) -> str:
    path.write_text(json.dumps(data))
    return str(path)


def holds(area: Area, longitude: float, latitude: float) -> bool:
    return bool(area.contains(np.array([longitude]), np.array([latitude]))[0])


def test_a_box_is_what_was_typed() -> None:
    area = read_area("-1.5, 40,2,41")
    assert area.bounds == (-1.5, 40, 2, 41)
    assert holds(area, 0, 40.5)
    assert not holds(area, 3, 40.5)


@pytest.mark.parametrize("text", ["1,2,a,4", "2,0,1,1", "0,3,1,2", "0,0,181,1", "0,-91,1,1", "nan,0,1,1"])
def test_a_box_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no area"):
        read_area(text)


def test_a_hole_is_not_inside(tmp_path: Path) -> None:
    area = read_area(write(tmp_path / "a.json", {"type": "Polygon", "coordinates": [SQUARE, HOLE]}))
    assert holds(area, 2, 5)
    assert not holds(area, 5, 5)
    assert not area.touched_by((4.5, 4.5, 5.5, 5.5))
    assert area.touched_by((3.5, 4.5, 4.5, 5.5))


def test_polygons_are_found_wherever_geojson_has_them(tmp_path: Path) -> None:
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    shifted = [[[x + 20, y] for x, y in SQUARE]]
    several = {"type": "MultiPolygon", "coordinates": [[SQUARE], shifted]}
    feature = {"type": "Feature", "geometry": several, "properties": {"split": "val"}}
    nothing = {"type": "Feature", "geometry": None, "properties": None}
    parts = {"type": "GeometryCollection", "geometries": [polygon, polygon]}
    for data, count in ((polygon, 1), (several, 2), (feature, 2), (parts, 2)):
        area = read_area(write(tmp_path / "a.json", data))
        assert len(area.polygons) == count
        assert holds(area, 5, 5)
    area = read_area(write(tmp_path / "a.json", {"type": "FeatureCollection", "features": [feature, nothing]}))
    assert area.properties == ({"split": "val"},) * 2
    assert holds(area, 25, 5)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[[0, 0], "x"]]},
        {"type": "Polygon", "coordinates": [[[x * 1000, y] for x, y in SQUARE]]},
        {},
    ],
)
def test_a_file_without_an_area_is_refused(data: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"GeoJSON|no polygon|no degrees"):
        read_area(write(tmp_path / "a.json", data))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingInputError, match=r"nowhere\.json"):
        read_area("nowhere.json")


corner = st.tuples(st.integers(-40, 40), st.integers(-40, 40))


def area_in_common(hull: list[tuple[int, int]], box: tuple[int, int, int, int]) -> Fraction:
    """Exact area that a convex polygon and a box share, the polygon cut at each side (Sutherland and Hodgman)."""
    points = [(Fraction(x), Fraction(y)) for x, y in hull]
    for axis, limit, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        kept: list[tuple[Fraction, Fraction]] = []
        for one, other in zip(points, points[1:] + points[:1], strict=True):
            before, after = sign * (one[axis] - limit), sign * (other[axis] - limit)
            if before >= 0:
                kept.append(one)
            if before * after < 0:
                part = before / (before - after)
                kept.append((one[0] + part * (other[0] - one[0]), one[1] + part * (other[1] - one[1])))
        points = kept
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(((a[0] * b[1] - b[0] * a[1]) for a, b in pairs), Fraction())) / 2


@given(corners=st.lists(corner, min_size=3, max_size=6, unique=True), at=corner, size=st.integers(1, 30))
@settings(max_examples=50)
def test_a_polygon_meets_a_box_exactly_where_they_share_some_area(
    corners: list[tuple[int, int]], at: tuple[int, int], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hull = cv2.convexHull(np.array(corners, np.int32))[:, 0]  # convex, so that there is a second way to tell
    if len(hull) < 3:
        return
    ring = [*hull.tolist(), hull[0].tolist()]
    file = write(tmp_path_factory.getbasetemp() / "polygon.json", {"type": "Polygon", "coordinates": [ring]})
    area = read_area(file)
    box = (at[0], at[1], at[0] + size, at[1] + size)
    assert bool(area.touched_by(box)) == (area_in_common([(x, y) for x, y in hull.tolist()], box) > 0)
