"""Label maps against the list of labels that are declared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from i2i.images.label_list import Label
from i2i.pairs import Pixels


@dataclass(frozen=True)
class Declared:
    """What label maps may hold."""

    column: str
    """Where they are."""
    labels: Sequence[Label]
    ids: dict[int, int] = field(init=False, repr=False)
    """Value of a pixel -> id. In maps of three channels the value is the colour, red * 65536 + green * 256 + blue."""
    colours: dict[int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {label.id: label.id for label in self.labels})
        colours = {_number(label.colour): label.id for label in self.labels if label.colour is not None}
        object.__setattr__(self, "colours", colours)


def undeclared(pixels: Pixels, declared: Declared) -> tuple[list[int], list[str]]:
    """Ids that a label map holds, and whatever it holds besides, as text: ids, or colours such as ``#804080``.

    Args:
        pixels: (H, W, 1) ids, or (H, W, 3) colours; three equal channels are ids where no colour is declared.
        declared: What it may hold.
    """
    coloured = pixels.shape[2] == 3 and bool(declared.colours)
    if coloured:
        red, green, blue = (pixels[:, :, channel].astype(np.int64) for channel in range(3))
        values = np.unique(red * 65536 + green * 256 + blue)
    else:
        values = np.unique(pixels)
    known = declared.colours if coloured else declared.ids
    found = values.tolist()
    strange = [f"#{value:06x}" if coloured else f"{value:g}" for value in found if value not in known]
    return [known[value] for value in found if value in known], strange


def _number(colour: Iterable[int]) -> int:
    red, green, blue = colour
    return red * 65536 + green * 256 + blue
