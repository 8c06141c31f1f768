"""Between fields as datasets yield them, and as networks see them."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from i2i.errors import DataError
from i2i.fields import Field
from i2i.images.geometry import MAX_CHANNELS
from i2i.pairs import Pixels, range_of

NO_CLASS = -100
"""What pixels without a class are in a tensor of ids; torch's losses leave it out unless told otherwise."""


Room = Callable[[tuple[int, ...], "np.dtype[Any]"], Pixels]
"""Shape and dtype -> an array of them, not filled."""


def field_to_tensor(values: Pixels, field: Field) -> Tensor:
    """Turn a field of one item into what networks see, without the first axis of `seen`."""
    return seen(torch.from_numpy(stacked([values], field)), field)[0]


def stacked(items: Sequence[Pixels], field: Field, room: Room = np.empty) -> Pixels:
    """Stack a field of several items of one shape, as compactly as they are stored.

    Args:
        items: What each of them has.
        field: What that is.
        room: Makes the array.

    Returns:
        Images (N, C, H, W), ids (N, H, W), both of the dtype that all have, else float32 in [-1, 1] and int64; vectors
        (N, C) float32.
    """
    first, dtypes = items[0], {values.dtype.newbyteorder("=") for values in items}
    mixed = len(dtypes) > 1
    if field.kind == "image":
        height, width, channels = first.shape
        whole = room((len(items), channels, height, width), np.dtype(np.float32) if mixed else dtypes.pop())
        range_of(whole.dtype)
        for values, planes in zip(items, whole, strict=True):
            _split(to_tensor(values).permute(1, 2, 0).numpy() if mixed else values, planes)
        return whole
    if field.kind == "ids":
        whole = room((len(items), *first.shape[:2]), np.dtype(np.int64) if mixed else dtypes.pop())
        for values, ids in zip(items, whole, strict=True):
            ids[:] = values[..., 0]
        return whole
    whole = room((len(items), *first.shape), np.dtype(np.float32))
    whole[:] = items
    return whole


def _split(pixels: Pixels, planes: Pixels) -> None:
    """Write the channels of an image, (H, W, C), into the planes of another, (C, H, W)."""
    if 1 < len(planes) <= MAX_CHANNELS and pixels.dtype == planes.dtype:
        # in half the time that numpy takes, if the pixels lie side by side
        cv2.split(np.ascontiguousarray(pixels), list(planes))
    else:
        planes[:] = pixels.transpose(2, 0, 1)


def seen(batch: Tensor, field: Field) -> Tensor:
    """Turn what `stacked` makes into what networks see, on the device where it is, in memory of its own.

    Returns:
        Images as float32 in [-1, 1], ids as int64 with `NO_CLASS` where they are ``field.void``, vectors as they are.
    """
    if field.kind == "image":
        return _in_range(batch)
    if field.kind == "vector":
        return batch.clone()
    ids = batch.to(torch.int64, copy=True)
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
    range_of(pixels.dtype)
    return _in_range(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))))


def _in_range(values: Tensor) -> Tensor:
    """Return values of images as float32 in [-1, 1]."""
    if values.dtype == torch.float32:
        return values.clone()
    return values.to(torch.float32).mul_(2 / torch.iinfo(values.dtype).max).sub_(1)  # integers begin with 0


def to_pixels(image: Tensor, dtype: Any) -> Pixels:
    """Turn float (C, H, W) into pixels (H, W, C) of a dtype; values beyond [-1, 1] are clipped.

    Example:
        >>> to_pixels(torch.tensor([[[-1.0, 0.0, 2.0]]]), np.uint8).flatten().tolist()
        [0, 128, 255]
    """
    low, high = range_of(np.dtype(dtype))
    channels, height, width = image.shape
    pixels = np.empty((height, width, channels), dtype)
    image = image.detach().cpu()
    for top in range(0, height, BAND):
        values = image[:, top : top + BAND].float().clamp(-1, 1).permute(1, 2, 0).numpy()
        if pixels.dtype.kind == "u":
            values = np.rint((values.astype(np.float64) + 1) * ((high - low) / 2) + low)
        pixels[top : top + BAND] = values
    return pixels


BAND = 256
"""Rows of an image that are converted at once: float64 numbers of all would be eight times the image."""
