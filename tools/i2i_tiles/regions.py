"""Hold out regions: cells of a split lie together, and a margin of unused cells keeps training away from them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from i2i.errors import UsageError
from i2i.splits import HELD_OUT, SAFEST, Split, drawn, safest
from i2i_tiles.areas import Area, read_area
from i2i_tiles.grids import Cell, Grid
from i2i_tiles.mercator import Box

RANK = {split: rank for rank, split in enumerate(SAFEST)}
"""Of two cells that are too near to each other, the one of the higher rank is given up."""


@dataclass(frozen=True)
class HoldOut:
    """Which regions are held out; see the options of `i2i_tiles.tiles.Tiles`."""

    by: Literal["lat", "lon", "blocks", "geojson", "none"]
    val: float = 0.1
    test: float = 0.0
    buffer: int = 1
    block: int = 8
    area: Path | None = None
    seed: int = 0

    @property
    def remarks(self) -> list[str]:
        """Say what the user may not expect of it."""
        if self.by != "geojson" or (self.val, self.test) == (0.1, 0.0):
            return []
        return ["The polygons alone say what is held out: --val and --test change nothing about it."]

    def split(self, cells: Sequence[Cell], grid: Grid) -> dict[Cell, Split]:
        """Split cells, those between two splits included; see `keep_apart`.

        Raises:
            UsageError: If a split would be empty, or polygons do not suit.
            MissingInputError: If there is no file of polygons.
        """
        if self.by == "geojson" and grid.is_plain:
            raise UsageError("Plain images do not say where on Earth they lie. Split them by lat, lon or blocks.")
        if self.by == "geojson":
            return _by_area(cells, read_area(str(self.area)), grid.ground)
        if self.by == "blocks":
            return self._by_region(cells, self._block, lambda block: drawn(f"{self.seed}:{block[0]}:{block[1]}"))
        axis = ("lon", "lat").index(self.by)
        return self._by_region(cells, lambda cell: (cell[axis],), lambda line: line)

    def _block(self, cell: Cell) -> tuple[int, ...]:
        return cell.column // self.block, cell.row // self.block

    def _by_region(
        self,
        cells: Sequence[Cell],
        region_of: Callable[[Cell], tuple[int, ...]],
        rank: Callable[[tuple[int, ...]], Any],
    ) -> dict[Cell, Split]:
        """Take whole regions in their order: from the first for test, from the last for validation."""
        counts = Counter(map(region_of, cells))
        first = sorted(counts, key=rank)
        splits: dict[tuple[int, ...], Split] = {}
        for split, share, ordered in zip(HELD_OUT[::-1], (self.test, self.val), (first, first[::-1]), strict=True):
            have = 0
            for region in ordered:
                if have >= share * len(cells):
                    break
                splits.setdefault(region, split)
                have += counts[region]
        if len(splits) == len(counts):
            kind = {"lat": "row", "lon": "column", "blocks": "block"}[self.by] + ("" if len(counts) == 1 else "s")
            smaller = "blocks (--block)" if self.by == "blocks" else "pairs (--size)"
            raise UsageError(
                f"The pairs lie in {len(counts)} {kind}, too few for this split. "
                f"Take a larger area, smaller {smaller}, or --split-by none."
            )
        return {cell: splits.get(region_of(cell), "train") for cell in cells}


def _by_area(cells: Sequence[Cell], area: Area, box_of: Callable[[Cell], Box]) -> dict[Cell, Split]:
    """Hold out cells that polygons touch: for the split that a polygon's property ``split`` names, else for test."""
    said = {properties.get("split", "test") for properties in area.properties}
    if strange := [name for name in said if name not in HELD_OUT]:
        raise UsageError(
            f"A polygon has the split {strange[0]!r}. It can be 'test' or 'val'; the rest is for training."
        )
    splits: dict[Cell, Split] = {}
    for cell in cells:
        names = {properties.get("split", "test") for properties in area.touched_by(box_of(cell))}
        splits[cell] = safest({*names, "train"})
    if "train" not in splits.values():
        raise UsageError("The polygons touch every place, and nothing is left for training. Take a larger area.")
    for name in sorted(said - set(splits.values())):
        raise UsageError(f"No polygon for {name} touches a place that both maps show alone. Correct the polygons.")
    return splits


def keep_apart(splits: Mapping[Cell, Split], buffer: int, around: int | None) -> dict[Cell, Split]:
    """Give up cells for training, and then for validation, that have a cell of another split within the buffer.

    Args:
        splits: Split of every cell.
        buffer: Cells between two splits, in all eight directions.
        around: Columns around the world, of which the last one meets the first at 180 degrees; None where cells do not
            say where on Earth they lie, or end before that.

    Returns:
        The cells that stay, in the order given.

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
    return kept
