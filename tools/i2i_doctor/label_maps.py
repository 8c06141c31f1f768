"""Label maps against the list of labels that are declared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from i2i import images
from i2i.data.tables.table import Table
from i2i.images.label_list import Label
from i2i.pairs import Pixels


@dataclass(frozen=True)
class Declared:
    """What label maps may hold."""

    column: str
    """Where they are."""
    labels: Sequence[Label]

    @cached_property
    def ids(self) -> dict[int, int]:
        """Value of a pixel -> id."""
        return {label.id: label.id for label in self.labels}

    @cached_property
    def colours(self) -> dict[int, int]:
        """Colour of a pixel, red * 65536 + green * 256 + blue -> id."""
        return {_number(label.colour): label.id for label in self.labels if label.colour is not None}


def _number(colour: Iterable[int]) -> int:
    red, green, blue = colour
    return red * 65536 + green * 256 + blue


def read_ids(table: Table, row: int, column: str) -> Pixels:
    """Read a label map as stored, (H, W, 1) ids or (H, W, 3) colours, after its picture: its size is allowed then.

    Raises:
        DataError: If it cannot be read, or does not hold whole numbers.
    """
    header = table.header(row, column)
    width, most = header.width, 2 * header.width * header.height
    whole = images.decode(table.encoded(row, column), table.names[row], reading="ids", max_pixels=most).pixels
    if whole.shape[1] == width:
        return whole
    return whole[:, :width] if column == table.columns[0] else whole[:, width:]  # an A|B file


def compare(pixels: Pixels, declared: Declared) -> tuple[list[int], list[str]]:
    """Return the ids that a label map holds, and whatever it holds besides: ids, or colours such as ``#804080``.

    Args:
        pixels: (H, W, 1) ids, or (H, W, 3) colours; three equal channels are ids where no colour is declared.
        declared: What it may hold.
    """
    coloured = pixels.shape[2] == 3 and bool(declared.colours)
    found = np.unique(np.dot(pixels.astype(np.int64), (65536, 256, 1)) if coloured else pixels).tolist()
    known = declared.colours if coloured else declared.ids
    strange = [f"#{value:06x}" if coloured else f"{value:g}" for value in found if value not in known]
    return [known[value] for value in found if value in known], strange
