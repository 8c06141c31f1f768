"""Colour as lightness and ab, for colourisation (Isola et al. 2017, section 4; scaled as in the authors' code).

CIE Lab under D65, by kornia in float32: 8-bit colours survive the way there and back exactly, which they do not through
the 8-bit Lab of OpenCV.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from i2i.images import with_channels
from i2i.pairs import Pixels, range_of

if TYPE_CHECKING:
    from torch import Tensor

LIGHTNESS = 50
"""L of 0..100 becomes ``L / 50 - 1``."""
COLOUR = 110
"""a and b become ``a / 110`` and ``b / 110``: of sRGB they lie in -86..98 and -108..95."""


def split(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Split an image into lightness (H, W, 1) and ab (H, W, 2), both float32 in [-1, 1].

    Args:
        pixels: (H, W, 1 or 3) of any dtype, gray or sRGB.

    Raises:
        DataError: If it has another number of channels.
    """
    from kornia.color import rgb_to_lab

    low, high = range_of(pixels.dtype)
    unit = (with_channels(pixels, 3).astype(np.float32) - np.float32(low)) / np.float32(high - low)
    lab = rgb_to_lab(_tensor(unit))[0].permute(1, 2, 0).numpy()
    lightness, colour = lab[..., :1] / LIGHTNESS - 1, lab[..., 1:] / COLOUR
    return np.clip(lightness, -1, 1, dtype=np.float32), np.clip(colour, -1, 1, dtype=np.float32)


def join(lightness: Pixels, colour: Pixels, dtype: Any) -> Pixels:
    """Join them to the image (H, W, 3) of a dtype, in sRGB; what no screen can show is cut off at the limits.

    Args:
        lightness: (H, W, 1) as `split` gives it.
        colour: (H, W, 2) likewise.
        dtype: uint8, uint16 or float32.
    """
    from kornia.color import lab_to_rgb

    lab = np.concatenate([(lightness + 1) * LIGHTNESS, colour * COLOUR], axis=2, dtype=np.float32)
    unit = lab_to_rgb(_tensor(lab), clip=True)[0].permute(1, 2, 0).numpy()
    low, high = range_of(np.dtype(dtype))
    values = unit.astype(np.float64) * (high - low) + low
    return (np.rint(values) if np.dtype(dtype).kind == "u" else values).astype(dtype)


def _tensor(image: Pixels) -> "Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
