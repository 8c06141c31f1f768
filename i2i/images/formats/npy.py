"""Images in ``.npy`` files: any number of channels, and any kind of numbers."""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from i2i.pairs import Pixels

MAGIC = npy.MAGIC_PREFIX
MAX_FIRST = 16
"""Arrays with as few rows, and with more channels, are images stored channels first."""
DTYPES = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class ArrayHeader:
    """What the header says."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool
    start: int
    """Where the values begin, in bytes."""

    @property
    def refusal(self) -> str:
        """Why this is not an image, and what to do."""
        if len(self.shape) not in (2, 3) or 0 in self.shape:
            return f"has shape {self.shape}. An image has shape (H, W) or (H, W, C)"
        first, *others = self.shape
        if len(others) == 2 and first <= MAX_FIRST < min(others):
            shape = f"({others[0]}, {others[1]}, {first})"
            return f"has shape {self.shape}, channels first. Store {shape}: numpy.moveaxis(array, 0, -1)"
        if self.dtype.kind not in "uif":
            return f"holds {self.dtype}, which are no numbers. Save it as uint8, uint16, or float32 in [-1, 1]"
        return ""

    @property
    def undeclared(self) -> bool:
        """Whether the values say nothing about brightness until somebody declares their range."""
        return self.dtype.newbyteorder("=") not in [np.dtype(name) for name in DTYPES]


def read_array_header(stream: BinaryIO) -> ArrayHeader:
    """Read the header of a file.

    Raises:
        ValueError: If the header is damaged.
    """
    version = npy.read_magic(stream)
    shape, fortran, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(stream)
    return ArrayHeader(shape, dtype, fortran, stream.tell())


def decode(data: bytes) -> Pixels:
    """Decode the image (H, W, C) of a file whose header is not refused.

    Raises:
        EOFError: If values are missing.
        ValueError: If there is more than the values.
    """
    header = read_array_header(BytesIO(data))
    # what the header claims is compared with what there is before any memory is taken for it
    surplus = len(data) - header.start - math.prod(header.shape) * header.dtype.itemsize
    if surplus:
        raise EOFError if surplus < 0 else ValueError(f"{surplus} bytes follow its values")
    values = np.frombuffer(data, header.dtype, offset=header.start)
    pixels = values.reshape(header.shape, order="F" if header.fortran else "C")
    pixels = pixels.astype(header.dtype.newbyteorder("="))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def encode(pixels: Pixels) -> bytes:
    """Encode the content of the file that `decode` reads back."""
    stream = BytesIO()
    npy.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
    return stream.getvalue()
