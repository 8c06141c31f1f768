"""Places of which no pair is made, each with its reason; what is wrong with some tiles costs no others."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tile_maps import AERIAL, DRAWN, PLAIN, SIDE, TILES, ZOOM, find, png, write_mbtiles, write_plain, write_tree

from i2i.errors import DataError
from i2i.pairs import SkipError
from i2i_tiles.tiles import Tiles


def test_what_one_side_lacks_is_left_out_and_named(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    (a / str(ZOOM) / "2" / "3.png").unlink()
    (b / str(ZOOM) / "4" / "5.png").unlink()
    (b / str(ZOOM) / "4" / "5.png").mkdir()
    (b / str(ZOOM) / "9").write_text("a file where a column would be")
    finding = find(Tiles(split_by="none"), a, b)
    assert {(left.name, left.status, left.reason) for left in finding.left_out} == {
        (f"{ZOOM}/2/3", "skipped", "missing-in-a"),
        (f"{ZOOM}/4/5", "skipped", "missing-in-b"),
    }
    assert len(finding.items) == TILES**2 - 2


def test_placeholders_are_left_out_and_flat_tiles_are_not_taken_for_them(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    nothing_here = cv2.putText(np.full((SIDE, SIDE, 3), 200, np.uint8), "none", (4, 36), 0, 0.7, (90, 90, 90))
    for x in range(5):
        (a / str(ZOOM) / str(x) / "6.png").write_bytes(png(nothing_here))
        (b / str(ZOOM) / str(x) / "2.png").write_bytes(png(np.full((SIDE, SIDE, 3), 180, np.uint8)))
    finding = find(Tiles(split_by="none"), a, b)
    assert [(left.name, left.reason) for left in finding.left_out] == [
        (f"{ZOOM}/{x}/6", "placeholder") for x in range(5)
    ]
    preparer = Tiles(split_by="none")
    (sea,) = [item for item in finding.items if item.name == f"{ZOOM}/3/2"]
    with pytest.raises(SkipError) as skipped:
        preparer.make(sea)
    assert skipped.value.reason == "blank"
    kept = find(Tiles(split_by="none", repeats=0), a, b)
    assert len(kept.items) == TILES**2


@pytest.mark.parametrize(
    ("options", "reason"),
    [({}, "blank"), ({"min_detail": 0.0}, "one-colour"), ({"min_detail": 0.0, "aerial": "b"}, "cloud")],
)
def test_the_drawn_half_and_the_photograph_have_their_own_filters(
    options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    drawn = DRAWN.copy()
    drawn[:SIDE, :SIDE] = 240
    preparer = Tiles(**PLAIN, split_by="none", max_cloud=0.5, **options)
    finding = find(preparer, *write_plain(tmp_path, AERIAL, drawn))
    with pytest.raises(SkipError) as skipped:
        preparer.make(finding.items[0])
    assert skipped.value.reason == reason
    preparer.make(finding.items[1])


def made_and_damaged(*sources: Path) -> tuple[int, int]:
    """How many pairs can be made, and how many cannot."""
    preparer = Tiles(split_by="none")
    counts = Counter[bool]()
    for item in find(preparer, *sources).items:
        try:
            preparer.make(item)
            counts[True] += 1
        except DataError:
            counts[False] += 1
    return counts[True], counts[False]


def test_tiles_with_the_same_damage_in_many_places_are_rejected_and_stop_nothing(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN)
    for x in range(5):
        (b / str(ZOOM) / str(x) / "6.png").write_bytes(b"<html>Sorry</html>")
        (b / str(ZOOM) / str(x) / "7.png").write_bytes(b"")
    assert made_and_damaged(a, b) == (TILES**2 - 10, 10)


def test_a_row_of_mbtiles_without_bytes_is_a_damaged_tile(tmp_path: Path) -> None:
    a, b = write_mbtiles(tmp_path / "a.mbtiles", AERIAL), write_mbtiles(tmp_path / "b.mbtiles", DRAWN)
    with sqlite3.connect(b) as database:
        for column, nothing in enumerate((None, "", "a text")):
            database.execute("UPDATE tiles SET tile_data = ? WHERE tile_column = ?", (nothing, column))
    database.close()
    assert made_and_damaged(a, b) == (TILES**2 - 3 * TILES, 3 * TILES)
