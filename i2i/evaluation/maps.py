"""Differences between pictures as colours."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.pairs import Pixels

TOP = 99.5
"""Percentile of all differences that has the last colour: a few that are larger would darken the rest."""


class Scale(NamedTuple):
    """Colours for differences, from black for none to light yellow; printed in gray they keep their order."""

    top: float
    """The difference that has the last colour, as larger ones have."""

    def draw(self, differences: NDArray[np.float32]) -> Pixels:
        """Draw (H, W) differences from 0 on, (H, W, 3) uint8; where there was nothing to measure they are black."""
        shares = np.clip(np.nan_to_num(differences) / (self.top or 1), 0, 1)
        colours = cv2.applyColorMap(np.rint(255 * shares).astype(np.uint8), cv2.COLORMAP_INFERNO)
        return np.ascontiguousarray(colours[..., ::-1])

    def legend(self, height: int, width: int) -> Pixels:
        """Draw all colours from left to right, (height, width, 3) uint8."""
        ramp = np.linspace(0, self.top or 1, width, dtype=np.float32)
        return self.draw(np.broadcast_to(ramp, (height, width)))


def scale_of(maps: Sequence[NDArray[np.float32]]) -> Scale:
    """Return one scale for maps that are to be compared."""
    values = np.concatenate([each[np.isfinite(each)] for each in maps])
    return Scale(float(np.percentile(values, TOP)) if values.size else 0.0)
