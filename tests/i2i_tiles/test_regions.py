import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from i2i.errors import UsageError
from i2i.splits import Split
from i2i_tiles.grids import Cell, TileGrid
from i2i_tiles.regions import HoldOut, keep_apart

GRID = TileGrid(5, 1)
SQUARE = [Cell(column, row) for column in range(20) for row in range(20)]
WEST, SOUTH, EAST, NORTH = GRID.ground(Cell(5, 5))
RING = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]

cells_of_any_shape = st.sets(st.builds(Cell, st.integers(0, 15), st.integers(0, 12)), min_size=1).map(sorted)


def counts(splits: dict[Cell, Split]) -> dict[str, int]:
    return {split: list(splits.values()).count(split) for split in ("train", "val", "test")}


@given(
    cells=cells_of_any_shape,
    hold_out=st.builds(
        HoldOut,
        by=st.sampled_from(["lat", "lon", "blocks"]),
        val=st.sampled_from([0.0, 0.1, 0.3]),
        test=st.sampled_from([0.0, 0.2]),
        buffer=st.integers(0, 2),
        block=st.just(3),
        seed=st.integers(0, 3),
    ),
    zoom=st.sampled_from([4, 5]),
)
@settings(max_examples=50)
def test_no_cell_has_one_of_another_split_within_the_buffer(cells: list[Cell], hold_out: HoldOut, zoom: int) -> None:
    grid = TileGrid(zoom, 1)
    try:
        splits = hold_out.split(cells, grid)
        kept = keep_apart(splits, hold_out.buffer, grid.around)
    except UsageError:
        assume(False)
    assert list(splits) == cells
    assert all(kept[cell] == splits[cell] for cell in kept)
    for (one, a), (other, b) in itertools.combinations(kept.items(), 2):
        if a != b:
            columns = abs(one.column - other.column)
            assert max(min(columns, 2**zoom - columns), abs(one.row - other.row)) > hold_out.buffer


@pytest.mark.parametrize(("by", "axis"), [("lon", 0), ("lat", 1)])
def test_bands_have_their_shares_and_lie_at_opposite_ends(by: Any, axis: int) -> None:
    lines: dict[Split, set[int]] = {}
    for cell, split in HoldOut(by, 0.1, 0.2).split(SQUARE, GRID).items():
        lines.setdefault(split, set()).add(cell[axis])
    assert lines == {"test": set(range(4)), "val": {18, 19}, "train": set(range(4, 18))}


def test_blocks_are_whole_have_about_their_shares_and_follow_the_seed() -> None:
    splits, again, other = (HoldOut("blocks", 0.1, 0.2, block=4, seed=seed).split(SQUARE, GRID) for seed in (0, 0, 1))
    assert counts(splits) == {"train": 272, "val": 48, "test": 80}  # whole blocks of 16, of 400 in all
    assert splits == again != other
    blocks = {(cell.column // 4, cell.row // 4, split) for cell, split in splits.items()}
    assert len(blocks) == 25


@given(cells=cells_of_any_shape, side=st.integers(1, 16), seed=st.integers(0, 3))
def test_blocks_leave_something_for_every_split_or_are_refused(cells: list[Cell], side: int, seed: int) -> None:
    blocks = {(cell.column // side, cell.row // side) for cell in cells}
    for val, test, least in ((0.01, 0.0, 2), (0.01, 0.01, 3)):
        hold_out = HoldOut("blocks", val, test, block=side, seed=seed)
        if len(blocks) < least:
            with pytest.raises(UsageError, match="too few for this split"):
                hold_out.split(cells, GRID)
        elif not test:
            assert set(hold_out.split(cells, GRID).values()) == {"train", "val"}
    assert set(HoldOut("blocks", 0, 0, block=side).split(cells, GRID).values()) == {"train"}


def test_every_cell_that_a_polygon_touches_is_held_out(tmp_path: Path) -> None:
    middle, height = (WEST + EAST) / 2, NORTH - SOUTH
    line = [[middle, SOUTH + height / 3], [middle + 0.1, NORTH + height / 3], [middle + 0.2, SOUTH + height / 3]]
    (tmp_path / "a.json").write_text(json.dumps({"type": "Polygon", "coordinates": [[*line, line[0]]]}))
    splits = HoldOut("geojson", area=tmp_path / "a.json").split(SQUARE, GRID)
    assert {cell for cell, split in splits.items() if split == "test"} == {Cell(5, 4), Cell(5, 5)}


@pytest.mark.parametrize(
    ("split", "cells", "expected"),
    [
        ("val", SQUARE, {"train": 399, "val": 1, "test": 0}),
        ("train", SQUARE, "the split 'train'"),
        ("test", [Cell(5, 5)], "nothing is left for training"),
        ("test", [Cell(0, 0), Cell(1, 0)], "No polygon for test"),
    ],
)
def test_a_polygon_says_for_which_split_it_is(split: str, cells: list[Cell], expected: Any, tmp_path: Path) -> None:
    geometry = {"type": "Polygon", "coordinates": [RING]}
    feature = {"type": "Feature", "properties": {"split": split}, "geometry": geometry}
    (tmp_path / "a.json").write_text(json.dumps(feature))
    hold_out = HoldOut("geojson", area=tmp_path / "a.json")
    if isinstance(expected, str):
        with pytest.raises(UsageError, match=expected):
            hold_out.split(cells, GRID)
    else:
        assert counts(hold_out.split(cells, GRID)) == expected


def test_a_split_that_would_be_empty_is_refused() -> None:
    with pytest.raises(UsageError, match="in 1 column, too few"):
        HoldOut("lon", 0.1, 0.0).split(SQUARE[:20], GRID)
    with pytest.raises(UsageError, match="nothing is left for train"):
        keep_apart({Cell(0, 0): "test", Cell(1, 1): "train"}, 1, None)


def test_first_and_last_column_of_the_world_are_neighbours() -> None:
    splits: dict[Cell, Split] = {Cell(0, 0): "test", Cell(1, 0): "val", Cell(8, 0): "train", Cell(15, 1): "val"}
    kept = keep_apart(splits | {Cell(14, 0): "val"}, 1, around=16)
    assert list(kept) == [Cell(0, 0), Cell(8, 0), Cell(14, 0)]
