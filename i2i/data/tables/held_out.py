"""A part of a table's rows, held out where a set brings no split for that."""

from collections.abc import Sequence

from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.parts import Part, keys_of
from i2i.data.tables.table import LayoutChoice, Table
from i2i.errors import DataError, UsageError
from i2i.splits import drawn, our_name


def open_portion(
    root: str, split: str, layout: LayoutChoice, columns: Sequence[str], share: float | None, partners: str = ""
) -> Table:
    """As `open_table`, of a set whose split ``val`` is a share of its ``train`` where one is given.

    The rows that are held out are the same ones everywhere, and still when rows are added to the set.

    Raises:
        UsageError: If it has a split ``val`` of its own.
        DataError: If all rows fall to one side.
        I2iError: As for `open_table`.
    """
    if share is None or split not in ("train", "val"):
        return open_table(root, split, layout, columns, partners)
    if own := [name for name in splits_of(root, layout, columns) if our_name(name) == "val"]:
        raise UsageError(f"{root} has a split {own[0]!r} already. Leave dataset.val_share away.")
    table = open_table(root, "train", layout, columns, partners)
    rows = [row for row, key in enumerate(keys_of(table)) if (drawn(key) < share) == (split == "val")]
    if table.names and not rows:
        said, other = ("none", "larger") if split == "val" else ("all of them", "smaller")
        raise DataError(
            f"dataset.val_share: {share:g} of the {len(table.names)} pairs of {root}, drawn by their names, is {said}. "
            f"Try a {other} share."
        )
    return Part(table, rows, f"{table.layout}, {share:g} of it held out")
