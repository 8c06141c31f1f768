"""PNG files (W3C, Portable Network Graphics, third edition): their chunks without inflating one, and writing them."""

import struct
import zlib
from typing import BinaryIO, NamedTuple

import deflate
import numpy as np

from i2i.pairs import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels -> gray, gray with opacity, RGB or RGB with opacity, as the header numbers them."""
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}
"""Kind of colour, without palettes -> bits that a value may have."""
LEVEL = 1  # the fastest; the next ones take twice the time for a fiftieth of the size
SUB = 1
"""The filter that stores each value as the difference to the pixel on its left: good for photographs and drawings."""


class Chunks(NamedTuple):
    """What the chunks are."""

    exif: bytes | None
    """Content of ``eXIf``, which may follow the pixels, where Pillow would have to decode them first."""
    complete: bool
    """Whether every chunk is as long as it says, up to the last. OpenCV takes up to 2 GiB for a chunk that lies."""
    bare: bool
    """Whether there is nothing but one header, then pixels, then the end."""


class Fields(NamedTuple):
    """What the header says."""

    width: int
    height: int
    depth: int
    """Bits of a value."""
    colour: int
    """As the specification numbers the kinds of colour."""


def walk(stream: BinaryIO) -> Chunks:
    """The chunks of a file; leaves the stream at its start."""
    stream.seek(0, 2)
    end = stream.tell()
    place, exif, complete, bare = len(SIGNATURE), None, False, True
    while place + 12 <= end and not complete:
        stream.seek(place)
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if place + 12 + length > end:
            break
        if kind == b"eXIf":
            exif = stream.read(length)
        complete = kind == b"IEND"
        bare &= kind in (b"IDAT", b"IEND") if place > len(SIGNATURE) else kind == b"IHDR"
        place += 12 + length
    stream.seek(0)
    return Chunks(exif, complete, bare)


def fields(start: bytes) -> Fields | None:
    """The header, where it is intact and that of gray or of colours, with opacity or without; not of a palette.

    Args:
        start: The first 33 bytes of a file, or more.
    """
    width, height, depth, colour, _, filters, _ = struct.unpack(">IIBBBBB", start[16:29])
    intact = start[8:16] == b"\0\0\0\rIHDR" and zlib.crc32(start[12:29]) == int.from_bytes(start[29:33], "big")
    sound = width > 0 and height > 0 and depth in DEPTHS.get(colour, ()) and filters == 0
    return Fields(width, height, depth, colour) if intact and sound else None


def encode(pixels: Pixels) -> bytes:
    """Content of a PNG file, deflated by libdeflate: in half the time that zlib takes, and the same bytes everywhere.

    Args:
        pixels: (H, W, C), uint8 or uint16: gray or RGB, with opacity where C is 2 or 4.
    """
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize
    stored = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    pixel = channels * depth
    lines = np.empty((height, 1 + stored.shape[1]), np.uint8)
    lines[:, 0] = SUB
    lines[:, 1 : 1 + pixel] = stored[:, :pixel]
    np.subtract(stored[:, pixel:], stored[:, :-pixel], out=lines[:, 1 + pixel :])
    header = struct.pack(">IIBBBBB", width, height, 8 * depth, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": bytes(deflate.zlib_compress(lines.data, LEVEL)), b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks.items())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
