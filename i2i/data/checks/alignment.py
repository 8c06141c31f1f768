"""Whether source and target of a pair lie on each other: phase correlation of how strongly each changes."""

from typing import NamedTuple

import cv2
import numpy as np

from i2i.data.checks.likeness import Gray

LONGEST = 512  # of the sides at which pairs are compared
CLEAR = 0.12
"""Least response that means anything: unrelated photographs stay below 0.08."""
CERTAIN = 0.25
"""Least response at which a single pair is believed; that of photographs and their edges is 0.3 to 0.8."""


class Shift(NamedTuple):
    """How far the target lies to the right of the source, and below it, in pixels of the target."""

    right: float
    down: float
    response: float
    """How clear it is, from 0 (not at all) to 1."""

    @property
    def length(self) -> float:
        """In pixels."""
        return float(np.hypot(self.right, self.down))


def shift_of(source: Gray, target: Gray) -> Shift:
    """The shift at which the outlines of two pictures fit best.

    Phase correlation (Kuglin and Hines, *The Phase Correlation Image Alignment Method*, 1975) of gradient magnitudes,
    which are alike in pictures of different styles, such as a map and a photograph, where brightness is not. Sizes may
    differ: the source is brought to that of the target.

    Args:
        source: (H, W).
        target: (H', W').
    """
    height, width = target.shape
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    outlines = [_outlines(cv2.resize(gray, size, interpolation=cv2.INTER_AREA)) for gray in (source, target)]
    window = cv2.createHanningWindow(size, cv2.CV_32F) if min(size) > 1 else None
    (right, down), response = cv2.phaseCorrelate(outlines[0], outlines[1], window)
    return Shift(right * width / size[0], down * height / size[1], response)


def _outlines(gray: Gray) -> Gray:
    right, down = (cv2.Sobel(gray, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    return cv2.magnitude(right, down)
