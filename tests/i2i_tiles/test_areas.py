import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("box", "meets"),
    [
        ((9, 9, 11, 11), True),
        ((-1, -1, 11, 11), True),
        ((1, 1, 2, 2), True),
        ((10, 0, 20, 10), False),  # along a side
        ((10, 10, 20, 20), False),  # at a corner
        ((4, 4, 6, 6), False),  # in the hole
        ((3.9, 4, 6, 6), True),
    ],
)
def test_a_polygon_touches_a_box_with_which_it_shares_some_area(
    box: tuple[float, float, float, float], meets: bool, tmp_path: Path
) -> None:
    area = read_area(write(tmp_path / "a.json", {"type": "Polygon", "coordinates": [SQUARE, HOLE]}))
    assert bool(area.touched_by(box)) == meets
