import itertools
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from i2i.errors import UsageError
from i2i.splits import Split
from i2i_tiles.areas import read_area
from i2i_tiles.grids import Cell, TileGrid
from i2i_tiles.regions import by_area, in_bands, in_blocks, keep_apart

GRID = TileGrid(5, 1)
SQUARE = [Cell(column, row) for column in range(20) for row in range(20)]

cells_of_any_shape = st.sets(st.builds(Cell, st.integers(0, 15), st.integers(0, 12)), min_size=1).map(sorted)


@given(
    cells=cells_of_any_shape,
    rule=st.sampled_from(["lat", "lon", "blocks"]),
    val=st.sampled_from([0.0, 0.1, 0.3]),
    test=st.sampled_from([0.0, 0.2]),
    buffer=st.integers(0, 2),
    seed=st.integers(0, 3),
    zoom=st.sampled_from([4, 5]),
)
def test_no_cell_has_one_of_another_split_within_the_buffer(
    cells: list[Cell], rule: str, val: float, test: float, buffer: int, seed: int, zoom: int
) -> None:
    grid = TileGrid(zoom, 1)
    assert grid.around == 2**zoom
    try:
        if rule == "blocks":
            splits = in_blocks(cells, 3, val, test, seed)
        else:
            splits = in_bands(cells, ("lon", "lat").index(rule), val, test)
        kept, dropped = keep_apart(splits, buffer, grid.around)
    except UsageError:
        assume(False)
    assert sorted([*kept, *dropped]) == cells
    assert all(kept[cell] == splits[cell] for cell in kept)
    for (one, a), (other, b) in itertools.combinations(kept.items(), 2):
        if a != b:
            columns = abs(one.column - other.column)
            assert max(min(columns, grid.around - columns), abs(one.row - other.row)) > buffer


@pytest.mark.parametrize("axis", [0, 1])
def test_bands_have_their_shares_and_lie_at_opposite_ends(axis: int) -> None:
    splits = in_bands(SQUARE, axis, 0.1, 0.2)
    lines: dict[Split, set[int]] = {}
    for cell, split in splits.items():
        lines.setdefault(split, set()).add(cell[axis])
    assert lines == {"test": set(range(4)), "val": {18, 19}, "train": set(range(4, 18))}


def test_blocks_have_about_their_shares_and_follow_the_seed() -> None:
    splits = in_blocks(SQUARE, 4, 0.1, 0.2, 0)
    counts = {split: list(splits.values()).count(split) for split in ("val", "test")}
    assert counts == {"val": 48, "test": 80}  # whole blocks of 16, of 400 in all
    assert splits == in_blocks(SQUARE, 4, 0.1, 0.2, 0)
    assert splits != in_blocks(SQUARE, 4, 0.1, 0.2, 1)


def test_a_block_is_never_divided() -> None:
    for (x, y), cells in itertools.groupby(
        sorted(in_blocks(SQUARE, 4, 0.3, 0.3, 5).items(), key=lambda entry: (entry[0][0] // 4, entry[0][1] // 4)),
        key=lambda entry: (entry[0][0] // 4, entry[0][1] // 4),
    ):
        assert len({split for _, split in cells}) == 1, (x, y)


def test_every_cell_that_a_polygon_touches_is_held_out(tmp_path: Path) -> None:
    west, south, east, north = GRID.ground(Cell(5, 5))
    middle, height = (west + east) / 2, north - south
    line = [[middle, south + height / 3], [middle + 0.1, north + height / 3], [middle + 0.2, south + height / 3]]
    polygon = {"type": "Polygon", "coordinates": [[*line, line[0]]]}
    (tmp_path / "a.json").write_text(json.dumps(polygon))
    splits = by_area(SQUARE, read_area(str(tmp_path / "a.json")), GRID.ground)
    assert {cell for cell, split in splits.items() if split == "test"} == {Cell(5, 4), Cell(5, 5)}


def test_a_polygon_can_be_for_validation_and_for_nothing_else(tmp_path: Path) -> None:
    west, south, east, north = GRID.ground(Cell(5, 5))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    for name in ("val", "train"):
        feature = {"type": "Feature", "properties": {"split": name}}
        feature |= {"geometry": {"type": "Polygon", "coordinates": [ring]}}
        (tmp_path / f"{name}.json").write_text(json.dumps(feature))
    splits = by_area(SQUARE, read_area(str(tmp_path / "val.json")), GRID.ground)
    assert [cell for cell, split in splits.items() if split == "val"] == [Cell(5, 5)]
    with pytest.raises(UsageError, match="'train'"):
        by_area(SQUARE, read_area(str(tmp_path / "train.json")), GRID.ground)


def test_a_split_that_would_be_empty_is_refused() -> None:
    with pytest.raises(UsageError, match="too few"):
        in_bands(SQUARE[:20], 0, 0.1, 0.0)
    with pytest.raises(UsageError, match="nothing is left for train"):
        keep_apart({Cell(0, 0): "test", Cell(1, 1): "train"}, 1)


def test_first_and_last_column_of_the_world_are_neighbours() -> None:
    splits: dict[Cell, Split] = {Cell(0, 0): "test", Cell(1, 0): "val", Cell(8, 0): "train", Cell(15, 1): "val"}
    kept, dropped = keep_apart(splits | {Cell(14, 0): "val"}, 1, around=16)
    assert dropped == [Cell(1, 0), Cell(15, 1)]
    assert Cell(14, 0) in kept


@given(cells=cells_of_any_shape, side=st.integers(1, 16), seed=st.integers(0, 3))
def test_blocks_leave_something_for_every_split_or_are_refused(cells: list[Cell], side: int, seed: int) -> None:
    blocks = {(cell.column // side, cell.row // side) for cell in cells}
    for val, test, least in ((0.1, 0.0, 2), (0.9, 0.0, 2), (0.1, 0.1, 3)):
        if len(blocks) < least:
            with pytest.raises(UsageError, match="too few for this split"):
                in_blocks(cells, side, val, test, seed)
        elif not test:
            assert set(in_blocks(cells, side, val, test, seed).values()) == {"train", "val"}
    assert set(in_blocks(cells, side, 0, 0, seed).values()) == {"train"}


def test_polygons_that_leave_nothing_for_training_or_hold_nothing_out_are_refused(tmp_path: Path) -> None:
    west, south, east, north = GRID.ground(Cell(5, 5))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    (tmp_path / "a.json").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    area = read_area(str(tmp_path / "a.json"))
    with pytest.raises(UsageError, match="nothing is left for training"):
        by_area([Cell(5, 5)], area, GRID.ground)
    with pytest.raises(UsageError, match="No polygon for test"):
        by_area([Cell(0, 0), Cell(1, 0)], area, GRID.ground)
