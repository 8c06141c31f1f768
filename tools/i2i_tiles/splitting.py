"""Splits on the ground: held-out cells lie together, and a margin of unused cells keeps training away from them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from i2i.errors import DataError, UsageError
from i2i.splits import Split
from i2i_tiles.areas import Area
from i2i_tiles.mercator import Box

HELD_OUT: tuple[Split, ...] = ("test", "val")
RANK: dict[Split, int] = {"test": 0, "val": 1, "train": 2}
"""Of two cells that are too near to each other, the one of the higher rank is given up."""


class Cell(NamedTuple):
    """A place in a grid of pairs."""

    column: int
    """From the west."""
    row: int
    """From the north."""


def in_bands(cells: Sequence[Cell], axis: int, val: float, test: float) -> dict[Cell, Split]:
    """Whole lines of cells: the first for test, the last for validation, what is between for training.

    Args:
        cells: All cells.
        axis: 0 for columns (longitude), 1 for rows (latitude).
        val: Share of the cells for validation; above zero, it is at least one line.
        test: The same for test.

    Raises:
        UsageError: If nothing is left for training.
    """
    counts = Counter(cell[axis] for cell in cells)
    lines = sorted(counts)
    splits = {line: split for split, line in _lines(lines, counts, "test", test * len(cells))}
    splits |= {
        line: split for split, line in _lines(lines[::-1], counts, "val", val * len(cells)) if line not in splits
    }
    if len(splits) == len(lines):
        what = ("columns", "rows")[axis]
        raise UsageError(f"{len(lines)} {what} of tiles are too few for this split. Take a larger area.")
    return {cell: splits.get(cell[axis], "train") for cell in cells}


def _lines(lines: Sequence[int], counts: Mapping[int, int], split: Split, wanted: float) -> list[tuple[Split, int]]:
    taken: list[tuple[Split, int]] = []
    have = 0
    for line in lines:
        if have >= wanted:
            break
        taken.append((split, line))
        have += counts[line]
    return taken


def in_blocks(cells: Sequence[Cell], side: int, val: float, test: float, seed: int) -> dict[Cell, Split]:
    """Square blocks, drawn at random.

    Args:
        cells: All cells.
        side: Cells along a block.
        val: Share of the cells for validation; above zero, it is at least one block.
        test: The same for test.
        seed: Another seed, other blocks.

    Raises:
        UsageError: If there are too few blocks for every split to have one.
    """
    counts = Counter((cell.column // side, cell.row // side) for cell in cells)
    drawn = sorted(counts, key=lambda block: hashlib.sha256(f"{seed}:{block[0]}:{block[1]}".encode()).digest())
    splits: dict[tuple[int, int], Split] = {}
    for split, share in (("test", test), ("val", val)):
        have = 0
        while have < share * len(cells) and len(drawn) > 1:
            block = drawn.pop()
            splits[block] = "test" if split == "test" else "val"
            have += counts[block]
        if share and not have:
            raise UsageError(
                f"{len(counts)} blocks of {side}x{side} pairs are too few for this split. "
                "Take smaller blocks or a larger area."
            )
    return {cell: splits.get((cell.column // side, cell.row // side), "train") for cell in cells}


def by_area(cells: Sequence[Cell], area: Area, box_of: Callable[[Cell], Box]) -> dict[Cell, Split]:
    """Cells that polygons touch are held out: for the split that a polygon's property ``split`` names, else for test.

    Raises:
        UsageError: If a polygon names something else, or nothing is left for training, or nothing is held out.
    """
    for polygon in area.polygons:
        if (name := polygon.properties.get("split", "test")) not in HELD_OUT:
            raise UsageError(f"A polygon has the split {name!r}. It can be 'test' or 'val'; the rest is for training.")
    splits: dict[Cell, Split] = {}
    for cell in cells:
        names = {polygon.properties.get("split", "test") for polygon in area.polygons if polygon.meets(box_of(cell))}
        splits[cell] = "test" if "test" in names else "val" if names else "train"
    if "train" not in splits.values():
        raise UsageError("The polygons touch every place, and nothing is left for training. Take a larger area.")
    for name in sorted({polygon.properties.get("split", "test") for polygon in area.polygons} - set(splits.values())):
        raise UsageError(f"No polygon for {name} touches a place that both maps show alone. Correct the polygons.")
    return splits


def keep_apart(
    splits: Mapping[Cell, Split], buffer: int, around: int | None = None
) -> tuple[dict[Cell, Split], list[Cell]]:
    """Give up cells for training, and then for validation, that have a cell of another split within the buffer.

    Args:
        splits: Split of every cell.
        buffer: Cells between two splits, in all eight directions.
        around: Columns around the world, of which the last one meets the first at 180 degrees; None where cells do not
            say where on Earth they lie, or end before that.

    Returns:
        The cells that stay, and those that are given up, in the order given.

    Raises:
        UsageError: If a split loses all its cells.
    """
    steps = [step for step in product(range(-buffer, buffer + 1), repeat=2) if step != (0, 0)]
    near = [Cell(*step) for step in steps]

    def too_near(cell: Cell, split: Split) -> bool:
        places = (Cell(cell.column + step.column, cell.row + step.row) for step in near)
        others = (splits.get(place._replace(column=place.column % around) if around else place) for place in places)
        return any(other is not None and RANK[other] < RANK[split] for other in others)

    kept = {cell: split for cell, split in splits.items() if not too_near(cell, split)}
    if lost := set(splits.values()) - set(kept.values()):
        raise UsageError(
            f"With a buffer of {buffer} nothing is left for {min(lost)}. Take a larger area or a smaller buffer."
        )
    return kept, [cell for cell in splits if cell not in kept]


def check_apart(boxes: Iterable[tuple[Split, Box]], buffer: int, world: float | None = None) -> None:
    """Look again, at the areas themselves.

    Args:
        boxes: Split and area of every pair.
        buffer: Pairs between two splits. Areas may touch if it is 0.
        world: Width of the world in the unit of the boxes, where its two ends meet; see ``around`` of `keep_apart`.

    Raises:
        DataError: If areas of two splits meet.
    """
    areas: dict[Split, list[Box]] = {}
    for split, box in boxes:
        areas.setdefault(split, []).append(box)
    arrays = {split: np.array(listed) for split, listed in areas.items()}
    before = np.less_equal if buffer else np.less
    turns = (0.0,) if world is None else (0.0, -world, world)
    for one, other in combinations(arrays, 2):
        west, south, east, north = arrays[other].T
        for box in areas[one]:
            beside = [before(west, box[2] + turn) & before(box[0] + turn, east) for turn in turns]
            if (np.any(beside, axis=0) & before(south, box[3]) & before(box[1], north)).any():
                raise DataError(f"The area {box} is in {one}, and meets one in {other}. Choose another split.")
