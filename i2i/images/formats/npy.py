"""Images in ``.npy`` files: any number of channels, and any kind of numbers."""

import math
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from i2i.images.formats.header import Header
from i2i.pairs import Pixels

MAGIC = npy.MAGIC_PREFIX
MAX_FIRST = 16
"""Arrays with as few rows, and with more channels, are images stored channels first."""
DTYPES = ("uint8", "uint16", "float32")


def read_header(stream: BinaryIO) -> Header:
    """Read the header of a file.

    Raises:
        ValueError: If the header is damaged.
    """
    shape, _, dtype = _array_header(stream)
    height, width, channels = (*shape, 1, 1, 1)[:3]
    name = str(dtype.newbyteorder("="))
    return Header(
        format="NPY",
        width=width,
        height=height,
        channels=channels,
        dtype=name,
        decoder="npy",
        undeclared=name not in DTYPES,
        refusal=_refusal(shape, dtype),
    )


def _array_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, whether columns come first, and the type of the values, which are next in the stream."""
    first = npy.read_magic(stream) == (1, 0)
    return (npy.read_array_header_1_0 if first else npy.read_array_header_2_0)(stream)


def _refusal(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    if len(shape) not in (2, 3) or 0 in shape:
        return f"has shape {shape}. An image has shape (H, W) or (H, W, C)"
    first, *others = shape
    if len(others) == 2 and first <= MAX_FIRST < min(others):
        stored = f"({others[0]}, {others[1]}, {first})"
        return f"has shape {shape}, channels first. Store {stored}: numpy.moveaxis(array, 0, -1)"
    if dtype.kind not in "uif":
        return f"holds {dtype}, which are no numbers. Save it as uint8, uint16, or float32 in [-1, 1]"
    return ""


def decode(data: bytes) -> Pixels:
    """Decode the image (H, W, C) of a file whose header is not refused.

    Raises:
        EOFError: If values are missing.
        ValueError: If there is more than the values.
    """
    stream = BytesIO(data)
    shape, fortran, dtype = _array_header(stream)
    # what the header claims is compared with what there is before any memory is taken for it
    surplus = len(data) - stream.tell() - math.prod(shape) * dtype.itemsize
    if surplus:
        raise EOFError if surplus < 0 else ValueError(f"{surplus} bytes follow its values")
    values = np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
    pixels = values.astype(dtype.newbyteorder("="))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def encode(pixels: Pixels) -> bytes:
    """Encode the content of the file that `decode` reads back."""
    stream = BytesIO()
    npy.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
    return stream.getvalue()
