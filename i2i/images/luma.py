"""Brightness of a picture of any type and channels."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.pairs import Pixels, range_of

Gray = NDArray[Any]
"""Brightness of a picture, (H, W) float32 in 0..1."""


def luma(pixels: Pixels) -> Gray:
    """Brightness of an image of any type and channels, (H, W, C).

    Of three channels it is that of ITU-R BT.601, .299 R + .587 G + .114 B; of any other number it is their mean.
    """
    return in_unit(brightness(pixels), pixels)


def brightness(pixels: Pixels) -> NDArray[Any]:
    """What `luma` is of, in the units of the image."""
    if pixels.shape[2] == 3:  # of 8 bits, OpenCV rounds to one of 256 levels, which is many times as fast
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels.mean(axis=2, dtype=np.float32)


def in_unit(values: NDArray[Any], pixels: Pixels) -> Gray:
    """Values in the units of an image, as float32 in 0..1."""
    low, high = range_of(pixels.dtype)
    scaled: Gray = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return scaled
