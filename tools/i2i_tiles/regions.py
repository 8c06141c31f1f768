"""Hold out regions: cells of a split lie together, and a margin of unused cells keeps training away from them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from i2i.errors import UsageError
from i2i.splits import HELD_OUT, Split, drawn
from i2i_tiles.areas import Area, read_area
from i2i_tiles.grids import Cell, Grid
from i2i_tiles.mercator import Box

RANK: dict[Split, int] = {"test": 0, "val": 1, "train": 2}
"""Of two cells that are too near to each other, the one of the higher rank is given up."""


@dataclass(frozen=True)
class HoldOut:
    """Which regions are held out; see the options of `i2i_tiles.tiles.Tiles`."""

    by: Literal["lat", "lon", "blocks", "geojson", "none"]
    val: float
    test: float
    buffer: int
    block: int
    area: Path | None
    seed: int

    @property
    def remarks(self) -> list[str]:
        """What the user may not expect of it."""
        if self.by != "geojson" or (self.val, self.test) == (0.1, 0.0):
            return []
        return ["The polygons alone say what is held out: --val and --test change nothing about it."]

    def split(self, cells: Sequence[Cell], grid: Grid) -> tuple[dict[Cell, Split], list[Cell]]:
        """Split cells, and give up those between two splits; see `keep_apart`.

        Raises:
            UsageError: If a split would be empty, or polygons do not suit.
            MissingInputError: If there is no file of polygons.
        """
        if self.by == "lat" or self.by == "lon":
            splits = in_bands(cells, ("lon", "lat").index(self.by), self.val, self.test)
        elif self.by == "blocks":
            splits = in_blocks(cells, self.block, self.val, self.test, self.seed)
        elif grid.is_plain:
            raise UsageError("Plain images do not say where on Earth they lie. Split them by lat, lon or blocks.")
        else:
            splits = by_area(cells, read_area(str(self.area)), grid.ground)
        return keep_apart(splits, self.buffer, grid.around)


def in_bands(cells: Sequence[Cell], axis: int, val: float, test: float) -> dict[Cell, Split]:
    """Split into whole lines of cells: the first for test, the last for validation, what is between for training.

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
    splits: dict[int, Split] = {}
    for split, share, ordered in zip(HELD_OUT[::-1], (test, val), (lines, lines[::-1]), strict=True):
        have = 0
        for line in ordered:
            if have >= share * len(cells):
                break
            splits.setdefault(line, split)
            have += counts[line]
    if len(splits) == len(lines):
        count = f"{len(lines)} {('column', 'row')[axis]}{'' if len(lines) == 1 else 's'}"
        raise UsageError(
            f"The pairs lie in {count}, too few for this split. "
            "Take a larger area, smaller pairs (--size), or --split-by none."
        )
    return {cell: splits.get(cell[axis], "train") for cell in cells}


def in_blocks(cells: Sequence[Cell], side: int, val: float, test: float, seed: int) -> dict[Cell, Split]:
    """Split into square blocks, drawn at random.

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
    left = sorted(counts, key=lambda block: drawn(f"{seed}:{block[0]}:{block[1]}"))
    splits: dict[tuple[int, int], Split] = {}
    for split, share in zip(HELD_OUT[::-1], (test, val), strict=True):
        have = 0
        while have < share * len(cells) and len(left) > 1:
            block = left.pop()
            splits[block] = split
            have += counts[block]
        if share and not have:
            raise UsageError(
                f"{len(counts)} blocks of {side}x{side} pairs are too few for this split. "
                "Take smaller blocks or a larger area."
            )
    return {cell: splits.get((cell.column // side, cell.row // side), "train") for cell in cells}


def by_area(cells: Sequence[Cell], area: Area, box_of: Callable[[Cell], Box]) -> dict[Cell, Split]:
    """Hold out cells that polygons touch: for the split that a polygon's property ``split`` names, else for test.

    Raises:
        UsageError: If a polygon names something else, or nothing is left for training, or nothing is held out.
    """
    said = {properties.get("split", "test") for properties in area.properties}
    if strange := [name for name in said if name not in HELD_OUT]:
        raise UsageError(
            f"A polygon has the split {strange[0]!r}. It can be 'test' or 'val'; the rest is for training."
        )
    splits: dict[Cell, Split] = {}
    for cell in cells:
        names = {properties.get("split", "test") for properties in area.touched_by(box_of(cell))}
        splits[cell] = "test" if "test" in names else "val" if names else "train"
    if "train" not in splits.values():
        raise UsageError("The polygons touch every place, and nothing is left for training. Take a larger area.")
    for name in sorted(said - set(splits.values())):
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
    near = [Cell(*step) for step in product(range(-buffer, buffer + 1), repeat=2) if step != (0, 0)]

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
