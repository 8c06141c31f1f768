"""Sets of images that are no pairs, as the doctor looks at them: row by row, each with an image of either side."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from i2i.data.tables.detect import open_table, open_unpaired, splits_of
from i2i.data.tables.folders import find_unpaired
from i2i.data.tables.table import Table
from i2i.errors import I2iError
from i2i.images import Header
from i2i.partners import propose
from i2i.splits import in_order, our_name


class Beside(Table):
    """Images of two sides, numbered each for itself: what stands in one row does not belong together.

    Args:
        sides: Column -> its images. The rows are as many as the larger side has; the other's last ones are empty.
    """

    def __init__(self, sides: Mapping[str, Table]) -> None:
        folders = " and ".join(table.layout.partition(", ")[2] for table in sides.values())
        larger = max(sides.values(), key=lambda table: len(table.names))
        super().__init__(f"unpaired images in {folders}", larger.names, [*sides])
        self.sides = sides

    def has(self, row: int, column: str) -> bool:
        """Check whether there is such an image."""
        return row < len(self.sides[column].names)

    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the image's file."""
        return self.sides[column].encoded(row, column)

    def where(self, row: int, column: str) -> str:
        """Return the file, as errors call it."""
        return self.sides[column].where(row, column)

    def header(self, row: int, column: str) -> Header:
        """Read the header alone."""
        return self.sides[column].header(row, column)


def open_beside(root: str) -> dict[str, Table]:
    """Open every split of a set of images that are no pairs; raises what `open_unpaired` does."""
    splits = in_order([*find_unpaired(root)]) or ["train"]
    return {our_name(split): Beside(open_unpaired(root, split)) for split in splits}


def is_unpaired(root: str) -> bool:
    """Check whether a folder holds two folders of images for each split, and no pairs."""
    if not Path(root).is_dir() or not find_unpaired(root):
        return False
    with suppress(I2iError):
        return are_no_pairs(root, {split: open_table(root, split) for split in splits_of(root)})
    return False


def are_no_pairs(root: str, tables: Mapping[str, Table]) -> bool:
    """Check whether a set that was opened as pairs holds none: no image has a partner, nor would have by any pattern.

    Args:
        root: Where it is.
        tables: Its splits.
    """
    if any(
        table.names or any(problem.reason != "no-partner" for problem in table.problems) for table in tables.values()
    ):
        return False
    with suppress(I2iError):
        apart = [[side.names for side in open_unpaired(root, split).values()] for split in tables]
        return bool(apart) and not any(map(propose, apart))
    return False
