"""Between fields as datasets yield them, and as networks see them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.errors import DataError
from i2i.fields import Field
from i2i.pairs import Pixels, range_of

NO_CLASS = -100
"""What pixels without a class are in a tensor of ids; torch's losses leave it out unless told otherwise."""


def field_to_tensor(values: Pixels, field: Field) -> Tensor:
    """Turn a field into what networks see.

    Returns:
        Of an image, float32 (C, H, W) in [-1, 1]; of ids, int64 (H, W), with `NO_CLASS` where they are ``field.void``;
        of a vector, float32 (C,).
    """
    if field.kind == "image":
        return to_tensor(values)
    if field.kind == "vector":
        return torch.from_numpy(np.array(values, np.float32))
    return _without_void(torch.from_numpy(values[..., 0].astype(np.int64)), field)


def at_rest(values: Pixels, field: Field) -> Tensor:
    """Turn a field into what is kept of it in memory: of 8 bits as it is, else what networks see.

    Returns:
        Of an image, uint8 or float32 (H, W, C); of ids, uint8 or int32 (H, W, 1); of a vector, float32 (C,).
    """
    if field.kind == "image":
        short = values.dtype == np.uint8
        return torch.from_numpy(np.array(values)) if short else to_tensor(values).permute(1, 2, 0).contiguous()
    if field.kind == "vector":
        return field_to_tensor(values, field)
    return torch.from_numpy(np.array(values, np.uint8 if values.dtype == np.uint8 else np.int32))


def waken(rested: Tensor, field: Field) -> Tensor:
    """Turn a batch of what `at_rest` returned, or parts of it, into what networks see: the same to the bit.

    Args:
        rested: (N, H, W, C) of an image, (N, H, W, 1) of ids, (N, C) of a vector.
        field: What it is.

    Returns:
        Float32 (N, C, H, W), whose memory has the channels last; int64 (N, H, W); float32 (N, C).
    """
    if field.kind == "vector":
        return rested
    if field.kind == "ids":
        return _without_void(rested[..., 0].long(), field)
    image = rested.permute(0, 3, 1, 2)
    return image if rested.is_floating_point() else image.float().mul_(2 / 255).sub_(1)


def _without_void(ids: Tensor, field: Field) -> Tensor:
    return ids if field.void is None else ids.masked_fill_(ids == field.void, NO_CLASS)


def check_field(values: Pixels, field: Field, where: str) -> None:
    """Refuse values that are not what their field is said to be; of images, only their shape is looked at.

    Args:
        values: As the dataset yields them, before anything is cut off.
        field: What they are said to be.
        where: What errors call them.

    Raises:
        DataError: If they are of another shape or dtype, or ids lie beyond the declared classes.
    """
    if field.kind == "vector":
        if values.shape != (field.channels,):
            raise DataError(f"{where} is of shape {values.shape}. A vector of ({field.channels},) is declared.")
    elif values.ndim != 3:
        raise DataError(f"{where} is of shape {values.shape}. Images and ids are (H, W, C).")
    elif field.kind == "ids":
        _check_ids(values, field, where)


def _check_ids(ids: Pixels, field: Field, where: str) -> None:
    if ids.shape[2] != 1 or ids.dtype.kind not in "iu":
        raise DataError(f"{where} has {ids.shape[2]} channels of {ids.dtype}. Ids are one channel of whole numbers.")
    if field.channels:
        classes = ids if field.void is None else ids[ids != field.void]
        wrong = classes[(classes < 0) | (classes >= field.channels)]
        if wrong.size:
            raise DataError(
                f"{where} has the label {wrong.max()}. {field.channels} classes are declared, 0 to "
                f"{field.channels - 1}. Number labels anew, or train with more classes, or with this label as void."
            )


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
