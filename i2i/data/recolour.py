"""Other light on an image: brightness, contrast and saturation, drawn."""

from random import Random

import numpy as np

from i2i.images.colour import LUMA, rounded
from i2i.pairs import Pixels, range_of


def recolour(pixels: Pixels, strength: float, draws: Random) -> Pixels:
    """Multiply brightness, contrast and saturation, in this order, each by a factor in 1 - strength .. 1 + strength.

    Contrast is around the mean of the image; saturation is the distance from its luma, and only images of 3 channels
    have one (as Howard 2013, arXiv 1312.5402, manipulates colours).

    Args:
        pixels: (H, W, C), uint8, uint16 or float32 in [-1, 1].
        strength: In 0..1.
        draws: Where the factors are drawn from, three numbers always.

    Returns:
        (H, W, C) of the same dtype, cut off at the limits of its range.
    """
    brightness, contrast, saturation = (1 + strength * (2 * draws.random() - 1) for _ in range(3))
    low, high = range_of(pixels.dtype)
    values = (pixels.astype(np.float32) - np.float32(low)) * np.float32(brightness)
    colourful = pixels.shape[2] == len(LUMA)
    gray = values @ np.array(LUMA, np.float32) if colourful else values.mean(axis=2)
    mean = gray.mean()
    values = (values - mean) * np.float32(contrast) + mean
    if colourful:
        gray = ((gray - mean) * np.float32(contrast) + mean)[..., None]
        values = gray + (values - gray) * np.float32(saturation)
    return rounded(np.clip(values + np.float32(low), low, high), pixels.dtype)
