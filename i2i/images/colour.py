"""Channels, transparency and brightness of decoded images."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.errors import DataError
from i2i.pairs import Pixels, range_of

WHITE = (255, 255, 255)
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601), as OpenCV, Pillow and TensorFlow use them."""


def with_channels(pixels: Pixels, channels: int) -> Pixels:
    """Convert an image to another number of channels.

    Args:
        pixels: (H, W, C) of any dtype.
        channels: How many it should have. Gray is replicated; of colour, 1 is the luma .299 R + .587 G + .114 B.

    Returns:
        (H, W, channels) of the same dtype and range; the same array if it has that many already.

    Raises:
        DataError: If that would have to invent or to drop something.
    """
    stored = pixels.shape[2]
    if stored == channels:
        return pixels
    if stored == 1:
        return pixels.repeat(channels, axis=2)
    if (stored, channels) == (3, 1):
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    raise DataError(f"An image of {stored} channels cannot become one of {channels}. Convert it first.")


def over(pixels: Pixels, background: tuple[int, int, int]) -> tuple[Pixels, bool]:
    """Lay a transparent image on a colour.

    Args:
        pixels: (H, W, 2) gray and alpha, or (H, W, 4) RGB and alpha; uint8 or uint16, alpha not multiplied in.
        background: Red, green and blue in 0..255; a gray image is laid on their luma.

    Returns:
        (H, W, 1) or (H, W, 3), and whether anything was transparent at all.
    """
    colours, alpha = pixels[..., :-1], pixels[..., -1:]
    top = int(np.iinfo(pixels.dtype).max)
    if alpha.min() == top:
        return np.ascontiguousarray(colours), False
    ground = np.array([background], np.float64) if colours.shape[2] == 3 else np.dot(background, LUMA).reshape(1, 1)
    ground = np.round(ground * (top / 255)).astype(np.uint32)
    # the largest sum is 65535 * 65535 + 32767 < 2**32
    mixed = (colours * alpha.astype(np.uint32) + ground * (top - alpha.astype(np.uint32)) + top // 2) // top
    return mixed.astype(pixels.dtype), True


Gray = NDArray[Any]
"""Brightness of a picture, (H, W) float32 in 0..1."""


def luma(pixels: Pixels) -> Gray:
    """Return the brightness of an image of any type and channels, (H, W, C).

    Of three channels it is that of ITU-R BT.601, .299 R + .587 G + .114 B; of any other number it is their mean.
    """
    return in_unit(brightness(pixels), pixels)


def brightness(pixels: Pixels) -> NDArray[Any]:
    """Return what `luma` does, in the units of the image."""
    if pixels.shape[2] == 3:  # of 8 bits, OpenCV rounds to one of 256 levels, which is many times as fast
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels.mean(axis=2, dtype=np.float32)


def in_unit(values: NDArray[Any], pixels: Pixels) -> Gray:
    """Bring values from the units of an image to float32 in 0..1."""
    low, high = range_of(pixels.dtype)
    scaled: Gray = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return scaled
