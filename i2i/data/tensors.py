"""Between pixels, (H, W, C) in their dtype's range, and tensors, (C, H, W) float32 in [-1, 1]."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.pairs import Pixels, range_of


def to_tensor(pixels: Pixels) -> Tensor:
    """Turn pixels (H, W, C) into float32 (C, H, W) in [-1, 1]; the range is the dtype's, never the content's.

    Example:
        >>> to_tensor(np.array([[[0, 255]]], np.uint8)).flatten().tolist()
        [-1.0, 1.0]
    """
    low, high = range_of(pixels.dtype)
    values = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32))
    return values if (low, high) == (-1, 1) else values.sub_(low).mul_(2 / (high - low)).sub_(1)


def to_pixels(image: Tensor, dtype: Any) -> Pixels:
    """Turn float (C, H, W) into pixels (H, W, C) of a dtype; values beyond [-1, 1] are clipped.

    Example:
        >>> to_pixels(torch.tensor([[[-1.0, 0.0, 2.0]]]), np.uint8).flatten().tolist()
        [0, 128, 255]
    """
    low, high = range_of(np.dtype(dtype))
    values = image.detach().float().clamp(-1, 1).permute(1, 2, 0).cpu().numpy()
    if np.dtype(dtype).kind == "u":
        values = np.rint((values.astype(np.float64) + 1) * ((high - low) / 2) + low)
    return np.ascontiguousarray(values, dtype=dtype)
