"""Where on Earth each split lies."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from map_files import TILES, ZOOM, write_tree
from tile_maps import AERIAL, DRAWN, find

from i2i.errors import UsageError
from i2i.preparation import plan, prepare
from i2i_tiles.tiles import Tiles


def test_no_area_of_test_or_validation_meets_one_of_training(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    blocks: dict[str, Any] = {"split_by": "blocks", "block": 2, "val": 0.2, "buffer": 0}
    for options in ({"test": 0.2}, blocks):
        items = find(Tiles(**options), a, b).items
        boxes = {split: [item.metadata["bbox"] for item in items if item.split == split] for split in ("train", "val")}
        for west, south, east, north in boxes["val"]:
            assert not [o for o in boxes["train"] if o[0] < east and west < o[2] and o[1] < north and south < o[3]]
        assert all(boxes.values())


def test_ends_of_a_whole_world_are_apart(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    items = find(Tiles(split_by="lon", test=0.2, val=0.2), a, b).items
    columns = {
        split: {item.metadata["x"] for item in items if item.split == split} for split in ("train", "val", "test")
    }
    assert columns == {"test": {0, 1}, "train": {3, 4}, "val": {6}}  # 7 is beside 0


def test_dividing_anew_does_not_undo_a_division_on_the_ground(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    prepare("tiles", [a, b], tmp_path / "maps", options={"split_by": "lon"}, workers=1)
    with pytest.raises(UsageError, match=r"neighbours .* `i2i prepare tiles` with --val, --test and --split-by"):
        prepare("split", [tmp_path / "maps"], tmp_path / "new", workers=1)
    with pytest.raises(UsageError, match="neighbours"):
        plan("split", [tmp_path / "maps"], tmp_path / "new")


def test_polygons_decide_the_split(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    ring = [[1, 1], [20, 1], [20, 20], [1, 20], [1, 1]]
    (tmp_path / "test.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    finding = find(Tiles(split_by="geojson", split_area=tmp_path / "test.json"), a, b)
    assert [item.name for item in finding.items if item.split == "test"] == [f"{ZOOM}/4/3"]
    assert Counter(left.reason for left in finding.left_out) == {"buffer": 8}


def test_val_and_test_of_the_command_are_the_shares_of_the_ground(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    options = {"split_by": "lon", "buffer": 0}
    report = prepare("tiles", [a, b], tmp_path / "out", options=options, val=0.25, test=0.25, workers=1)
    assert report.splits == {"train": TILES**2 // 2, "val": TILES**2 // 4, "test": TILES**2 // 4}
    with pytest.raises(UsageError, match="too few"):
        prepare("tiles", [a, b], tmp_path / "no", options={"split_by": "blocks", "block": 64}, workers=1)


def test_shares_that_polygons_do_not_keep_are_said_to_be_so(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    ring = [[1, 1], [20, 1], [20, 20], [1, 20], [1, 1]]
    (tmp_path / "test.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    area: dict[str, Any] = {"split_by": "geojson", "split_area": tmp_path / "test.json"}
    said = {val: " ".join(find(Tiles(val=val, **area), a, b).remarks) for val in (0.1, 0.3)}
    assert "The polygons alone" in said[0.3]
    assert "The polygons alone" not in said[0.1]
