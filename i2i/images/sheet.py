"""Contact sheets: many images in one to look at."""

from collections.abc import Sequence

import numpy as np

from i2i.images.geometry import resize
from i2i.pairs import Pixels, range_of

GAP = 2
"""White pixels around each image."""


def contact_sheet(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Rows of images side by side on white.

    Args:
        rows: Images (H, W, C) of any dtype and channel count; all are brought to the size of the first. Rows have the
            same length.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = rows[0][0].shape[:2]
    return np.concatenate([np.concatenate([_framed(image, height, width) for image in row], axis=1) for row in rows])


def as_rgb(pixels: Pixels) -> Pixels:
    """What to show, (H, W, 3) uint8: one or two channels become gray; of more than three, the first three are shown."""
    low, high = range_of(pixels.dtype)
    shown = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1].repeat(3, axis=2)
    if shown.dtype == np.uint8:
        return shown
    return np.rint((shown.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)


def _framed(pixels: Pixels, height: int, width: int) -> Pixels:
    picture = resize(as_rgb(pixels), height, width)
    return np.pad(picture, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)
