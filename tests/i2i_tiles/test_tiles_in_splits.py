"""Where on Earth each split lies."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tile_maps import TILES, ZOOM, find

from i2i.errors import UsageError
from i2i.preparation import plan, prepare
from i2i_tiles.tiles import Tiles


def test_no_area_of_test_or_validation_meets_one_of_training(trees: tuple[Path, Path]) -> None:
    blocks: dict[str, Any] = {"split_by": "blocks", "block": 2, "val": 0.2, "buffer": 0}
    for options in ({"test": 0.2}, blocks):
        items = find(Tiles(**options), *trees).items
        boxes = {split: [item.metadata["bbox"] for item in items if item.split == split] for split in ("train", "val")}
        for west, south, east, north in boxes["val"]:
            assert not [o for o in boxes["train"] if o[0] < east and west < o[2] and o[1] < north and south < o[3]]
        assert all(boxes.values())


def test_ends_of_a_whole_world_are_apart(trees: tuple[Path, Path]) -> None:
    items = find(Tiles(split_by="lon", test=0.2, val=0.2), *trees).items
    columns = {
        split: {item.metadata["x"] for item in items if item.split == split} for split in ("train", "val", "test")
    }
    assert columns == {"test": {0, 1}, "train": {3, 4}, "val": {6}}  # 7 is beside 0


def test_shares_of_the_command_are_those_of_the_ground_and_dividing_anew_does_not_undo_them(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {"split_by": "lon", "buffer": 0}
    report = prepare("tiles", list(trees), tmp_path / "maps", options=options, val=0.25, test=0.25, workers=1)
    assert report.splits == {"train": TILES**2 // 2, "val": TILES**2 // 4, "test": TILES**2 // 4}
    for divide in (prepare, plan):
        with pytest.raises(UsageError, match=r"neighbours .* `i2i prepare tiles` with --val, --test and --split-by"):
            divide("split", [tmp_path / "maps"], tmp_path / "new")
    with pytest.raises(UsageError, match="too few"):
        plan("tiles", list(trees), tmp_path / "no", options={"split_by": "blocks", "block": 64})


def test_polygons_decide_the_split_and_shares_say_so(trees: tuple[Path, Path], tmp_path: Path) -> None:
    ring = [[1, 1], [20, 1], [20, 20], [1, 20], [1, 1]]
    (tmp_path / "test.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    for val in (0.1, 0.3):
        finding = find(Tiles(split_by="geojson", split_area=tmp_path / "test.json", val=val), *trees)
        assert [item.name for item in finding.items if item.split == "test"] == [f"{ZOOM}/4/3"]
        assert Counter(left.reason for left in finding.left_out) == {"buffer": 8}
        assert ("The polygons alone" in " ".join(finding.remarks)) == (val != 0.1)
