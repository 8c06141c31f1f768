"""Colours that are named in options, and images laid on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from i2i.errors import UsageError
from i2i.images import geometry
from i2i.images.colour import LUMA
from i2i.pairs import Pixels, range_of

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""


def colour_of(text: str, option: str) -> Colour:
    """The colour of a name of CSS, ``#rgb``, ``#rrggbb`` or ``rgb(red, green, blue)``.

    Args:
        text: What was typed.
        option: The option's name in errors.

    Raises:
        UsageError: If it is no opaque colour.
    """
    try:
        red, green, blue, *opacity = ImageColor.getrgb(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no colour. Give a name such as 'white', or '#rrggbb'.") from None
    if opacity:
        raise UsageError(f"{option} {text!r} has an opacity. Give a colour without one, such as '#rrggbb'.")
    return red, green, blue


def values_of(colour: Colour, channels: int, dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The colour as (channels,) values of an image: its luma where the image is not RGB; not rounded."""
    shown = np.array(colour, np.float64) if channels == 3 else np.full(channels, np.dot(colour, LUMA))
    low, high = range_of(dtype)
    return low + shown * ((high - low) / 255)


def rounded(values: NDArray[Any], dtype: np.dtype[Any]) -> Pixels:
    """Values within the range of an image's dtype as that dtype: integers are rounded to the nearest."""
    return values.astype(dtype) if dtype == np.float32 else np.rint(values).astype(dtype)


def pad(pixels: Pixels, height: int, width: int, values: NDArray[Any]) -> Pixels:
    """The image in the centre of (C,) values; an odd pixel of them is added at the bottom or on the right."""
    padded = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    padded[:] = rounded(values, pixels.dtype)
    geometry.crop(padded, *pixels.shape[:2])[:] = pixels
    return padded


def fit(pixels: Pixels, size: int, how: geometry.Fit, colour: Colour) -> Pixels:
    """The image brought to a square as `i2i.images.geometry.fit` does, but padded with a colour."""
    if how == "pad":
        height, width = pixels.shape[:2]
        resized = geometry.resize(pixels, *geometry.inside(height, width, size, size))
        return pad(resized, size, size, values_of(colour, pixels.shape[2], pixels.dtype))
    return geometry.fit(pixels, size, how)


def blend(pixels: Pixels, opacity: Pixels, colour: Colour) -> Pixels:
    """An image laid on a colour: ``opacity * image + (1 - opacity) * colour``, in the values as they are stored.

    Args:
        pixels: (H, W, C).
        opacity: (H, W, 1) of any dtype of images; the largest value of its range is opaque, the smallest transparent.
        colour: What shines through.

    Returns:
        (H, W, C) of the dtype of ``pixels``.
    """
    low, high = range_of(opacity.dtype)
    share = (opacity[..., 0].astype(np.float32) - np.float32(low)) / np.float32(high - low)
    ground = values_of(colour, pixels.shape[2], pixels.dtype).astype(np.float32)
    blended = np.empty_like(pixels)
    for channel, value in enumerate(ground):  # numpy is slow along an axis of three
        # single precision holds 16 bits, and in this form both ends come out exactly
        blended[..., channel] = rounded(share * pixels[..., channel] + (1 - share) * value, pixels.dtype)
    return blended
