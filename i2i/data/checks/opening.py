"""Datasets as the doctor opens them: every split under one of our names where it has one, and label maps as numbers."""

from i2i import images
from i2i.data.tables.contract import Table
from i2i.data.tables.detect import SPLIT_NAMES, open_table, splits_of
from i2i.pairs import Pixels


def open_splits(root: str) -> dict[str, Table]:
    """Every split of a dataset, by its name among ours: train, val and test, then others as they are called.

    Raises:
        MissingInputError: If there is no dataset.
        DataError: If its layout is not recognised, or a split cannot be read.
    """
    ours = {theirs: name for name, known in SPLIT_NAMES.items() for theirs in known}
    return {split: open_table(root, split) for split in dict.fromkeys(ours.get(s, s) for s in splits_of(root))}


def read_ids(table: Table, row: int, column: str) -> Pixels:
    """A label map as stored, (H, W, 1) ids or (H, W, 3) colours.

    Raises:
        DataError: If it cannot be read, or does not hold whole numbers.
    """
    whole = images.decode(table.encoded(row, column), table.names[row], reading="ids").pixels
    width = table.header(row, column).width
    if whole.shape[1] == width:
        return whole
    return whole[:, :width] if column == table.columns[0] else whole[:, width:]  # an A|B file
