"""What is left out of a map: nothing to see, nothing stored, clouds."""

import numpy as np
from numpy.typing import NDArray

from i2i.pairs import Pixels, SkipError, range_of

BRIGHT = 0.75
"""Darkest channel of a cloudy pixel, as a share of the range."""
COLOURLESS = 0.1
"""Largest difference between the channels of a cloudy pixel, as a share of the range."""


def check_filled(filled: NDArray[np.bool_], most: float, where: str) -> None:
    """Leave out a picture with holes.

    Args:
        filled: (H, W), where there is data.
        most: Largest share of the picture without data.
        where: Its name in errors.

    Raises:
        SkipError: If there are more holes: ``nodata``.
    """
    empty = float((~filled).mean())
    if empty > most:
        raise SkipError("nodata", f"{where} is without data on {empty:.0%} of its area.")


def check_detail(pixels: Pixels, least: float, where: str) -> None:
    """Leave out a picture of nothing.

    Args:
        pixels: (H, W, C).
        least: Smallest standard deviation of a channel's values, in the one that varies most, of 255.
        where: Its name in errors.

    Raises:
        SkipError: If it varies less: ``blank``.
    """
    if (deviation := detail(pixels)) < least:
        raise SkipError("blank", f"{where} shows nothing: its values vary by {deviation:.1f} of 255.")


def check_colours(pixels: Pixels, most: float, where: str) -> None:
    """Leave out a picture that is one colour nearly everywhere.

    Raises:
        SkipError: If the commonest colour has a larger share of the pixels than ``most``: ``one-colour``.
    """
    if (share := commonest(pixels)) > most:
        raise SkipError("one-colour", f"{where} is one colour on {share:.1%} of its area.")


def check_clouds(pixels: Pixels, most: float, where: str) -> None:
    """Leave out a picture that is white over a larger share than ``most``.

    Snow and salt look the same: a rule of thumb, for areas that have neither.

    Raises:
        SkipError: If it is: ``cloud``.
    """
    if (share := cloudy(pixels)) > most:
        raise SkipError("cloud", f"{where} is bright and colourless on {share:.0%} of its area.")


def detail(pixels: Pixels) -> float:
    """Largest standard deviation of a channel, of 255."""
    low, high = range_of(pixels.dtype)
    return float(pixels.reshape(-1, pixels.shape[2]).std(axis=0, dtype=np.float64).max() * 255 / (high - low))


def commonest(pixels: Pixels) -> float:
    """Share of the pixels that have the commonest colour."""
    colours = np.ascontiguousarray(pixels).reshape(-1, pixels.shape[2])
    packed = colours.view(np.dtype((np.void, colours.dtype.itemsize * colours.shape[1])))
    return float(np.unique(packed, return_counts=True)[1].max() / len(colours))


def cloudy(pixels: Pixels) -> float:
    """Share of the pixels that are bright and colourless."""
    low, high = range_of(pixels.dtype)
    shares = (pixels.astype(np.float32) - low) / np.float32(high - low)
    darkest, brightest = shares.min(axis=2), shares.max(axis=2)
    return float(((darkest >= BRIGHT) & (brightest - darkest <= COLOURLESS)).mean())
