"""A perceptual hash: equal for copies of a picture in another size, format or quality."""

import cv2
import numpy as np

from i2i.pairs import Pixels

SIDE = 8
ENOUGH = 128
"""Pixels along the shorter side of which the cells' means are taken."""

MIN_BITS = 8
"""Hashes with fewer bits of either kind are those of blank or smooth pictures, which are alike in nothing."""


def likeness(pixels: Pixels) -> str:
    """Difference hash (Krawetz, "Kind of like that", 2013): is each of 8x8 cells darker than its right neighbour?

    Args:
        pixels: (H, W, C) of any dtype.

    Returns:
        64 bits as 16 hexadecimal digits; nothing where the picture has too few features.
    """
    cells = cv2.resize(_shrunk(pixels), (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    gray = cells.astype(np.float64).reshape(SIDE, SIDE + 1, -1).mean(axis=2)
    bits = gray[:, :-1] < gray[:, 1:]
    if not MIN_BITS <= bits.sum() <= bits.size - MIN_BITS:
        return ""
    return np.packbits(bits).tobytes().hex()


def _shrunk(pixels: Pixels) -> Pixels:
    """Every n-th pixel, enough for a cell's mean, in at most four channels, which is what OpenCV resizes at once."""
    step = max(1, min(pixels.shape[:2]) // ENOUGH)
    return np.ascontiguousarray(pixels[::step, ::step, :4])
