"""Channels, transparency, brightness and lightness of decoded images."""

from math import sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.errors import DataError
from i2i.pairs import Pixels, range_of

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""

WHITE: Colour = (255, 255, 255)
ONE_LEVEL = 1 / 255
"""Standard deviation, of the range of values, below which a picture shows nothing."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601), as OpenCV, Pillow and TensorFlow use them."""
LUMINANCE = (0.212671, 0.715160, 0.072169)
"""Weights of linear red, green and blue in the luminance Y of sRGB with white D65 (ITU-R BT.709)."""


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


def over(pixels: Pixels, background: Colour) -> tuple[Pixels, bool]:
    """Lay a transparent image on a colour.

    Args:
        pixels: (H, W, 2) gray and alpha, or (H, W, 4) RGB and alpha, not multiplied by it.
        background: What shines through; through a gray image, its luma.

    Returns:
        (H, W, 1) or (H, W, 3), and whether anything was transparent at all.
    """
    colours, alpha = pixels[..., :-1], pixels[..., -1:]
    if alpha.min() == range_of(pixels.dtype)[1]:
        return np.ascontiguousarray(colours), False
    return blend(colours, alpha, background), True


def blend(pixels: Pixels, opacity: Pixels, background: Colour) -> Pixels:
    """Return ``opacity * image + (1 - opacity) * background``, in the values as they are stored.

    Args:
        pixels: (H, W, C).
        opacity: (H, W, 1) of any dtype of images; the largest value of its range is opaque, the smallest transparent.
        background: What shines through.

    Returns:
        (H, W, C) of the dtype of ``pixels``.
    """
    low, high = range_of(opacity.dtype)
    share = (opacity[..., 0].astype(np.float32) - np.float32(low)) / np.float32(high - low)
    ground = values_of(background, pixels.shape[2], pixels.dtype).astype(np.float32)
    blended = np.empty(pixels.shape, pixels.dtype)
    for channel, value in enumerate(ground):  # numpy is slow along an axis of three
        # single precision holds 16 bits, and in this form both ends come out exactly
        blended[..., channel] = rounded(share * pixels[..., channel] + (1 - share) * value, pixels.dtype)
    return blended


def values_of(colour: Colour, channels: int, dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """Return a colour as (channels,) values of an image: its luma where the image is not RGB; not rounded."""
    shown = np.array(colour, np.float64) if channels == 3 else np.full(channels, np.dot(colour, LUMA))
    low, high = range_of(dtype)
    return low + shown * ((high - low) / 255)


def rounded(values: NDArray[Any], dtype: np.dtype[Any]) -> Pixels:
    """Convert values within the range of an image's dtype to that dtype: integers are rounded to the nearest."""
    return values.astype(dtype) if dtype == np.float32 else np.rint(values).astype(dtype)


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


def deviation(pixels: Pixels) -> float:
    """Return the standard deviation of the channel that varies most, in 0..1 of the range of the dtype."""
    low, high = range_of(pixels.dtype)
    fours = (np.ascontiguousarray(pixels[..., start : start + 4]) for start in range(0, pixels.shape[2], 4))
    return max(float(cv2.meanStdDev(four)[1].max()) for four in fours) / (high - low)


def shows_something(pixels: Pixels) -> bool:
    """Return whether a picture is more than one colour."""
    some = pixels[::8]
    # the variance of all is at least that of some of them times their share, which is the quick answer
    return deviation(some) * sqrt(len(some) / len(pixels)) >= ONE_LEVEL or deviation(pixels) >= ONE_LEVEL


def in_unit(values: NDArray[Any], pixels: Pixels) -> Gray:
    """Bring values from the units of an image to float32 in 0..1."""
    low, high = range_of(pixels.dtype)
    scaled: Gray = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return scaled


def lightness(photo: Pixels) -> NDArray[np.float64]:
    """Return the lightness L of CIE 1976 L*a*b*, (H, W, 1) in 0..100, of an RGB image in sRGB."""
    luminance = (_linear_light(photo) @ np.array(LUMINANCE))[..., None]
    cube_root = np.where(luminance > (6 / 29) ** 3, np.cbrt(luminance), luminance * (29 / 6) ** 2 / 3 + 4 / 29)
    found: NDArray[np.float64] = np.clip(116 * cube_root - 16, 0, 100)
    return found


def _linear_light(photo: Pixels) -> NDArray[np.float64]:
    """Return values of sRGB without their transfer function (IEC 61966-2-1), 0..1."""
    low, high = range_of(photo.dtype)
    integers = photo.dtype != np.float32
    levels = np.arange(high + 1) if integers else photo.astype(np.float64)  # every level once is quicker
    encoded = (levels - low) / (high - low)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.float64] = linear[photo] if integers else linear
    return light


def rough_lab(photo: Pixels) -> NDArray[np.float32]:
    """Return CIE Lab, (H, W, 3), of an RGB image in sRGB by OpenCV: within 0.5 of the formula, to compare colours."""
    low, high = range_of(photo.dtype)
    unit = (photo.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2Lab), np.float32)
