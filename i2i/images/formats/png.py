"""PNG files (W3C, Portable Network Graphics, third edition): their chunks, without inflating or deflating one."""

import struct
import zlib
from typing import BinaryIO

from i2i.images.formats.header import Header

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}
"""Kind of colour, without palettes -> bits that a value may have."""
GRAY = (0, 4)  # kinds without and with opacity
ALPHA = (4, 6)
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels -> kind of colour: gray or RGB, without opacity or with it."""
SUB = 1
"""The filter that stores each value as the difference to the pixel on its left."""


def walk(stream: BinaryIO) -> tuple[bytes | None, bool]:
    """Walk through the chunks of a file, and back to its start.

    Returns:
        The content of ``eXIf``, which may follow the pixels, where Pillow would have to decode them first; and whether
        there is nothing but one header, then pixels, then the end.

    Raises:
        EOFError: If a chunk is longer than the rest. OpenCV takes up to 2 GiB for one that lies.
    """
    end = stream.seek(0, 2)
    place, exif, complete, bare = len(SIGNATURE), None, False, True
    while not complete:
        stream.seek(place)
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if place + 12 + length > end:
            raise EOFError
        if kind == b"eXIf":
            exif = stream.read(length)
        complete = kind == b"IEND"
        bare &= kind in (b"IDAT", b"IEND") if place > len(SIGNATURE) else kind == b"IHDR"
        place += 12 + length
    stream.seek(0)
    return exif, bare


def depth(start: bytes) -> int:
    """Return the bits of a value of the file that begins so: IHDR is the first chunk."""
    return start[24]


def is_gray(start: bytes) -> bool:
    """Return whether the file that begins so holds gray, with opacity or without."""
    return start[25] in GRAY


def read_bare(start: bytes) -> Header | None:
    """Return what Pillow would say of a file of nothing but a header and pixels, in a third of the time.

    Args:
        start: The first 33 bytes of the file, or more.

    Returns:
        Nothing where the header is not intact, or that of a palette.
    """
    width, height, bits, colour, _, filters, _ = struct.unpack(">IIBBBBB", start[16:29])
    intact = start[8:16] == b"\0\0\0\rIHDR" and zlib.crc32(start[12:29]) == int.from_bytes(start[29:33], "big")
    if not intact or 0 in (width, height) or bits not in DEPTHS.get(colour, ()) or filters != 0:
        return None
    return Header(
        format="PNG",
        width=width,
        height=height,
        channels=1 if colour in GRAY else 3,
        dtype=f"uint{max(bits, 8)}",
        alpha=colour in ALPHA,
        bits=bits,
        decoder="opencv",
    )


def join(width: int, height: int, bits: int, channels: int, deflated: bytes) -> bytes:
    """Return the file of these filtered and deflated lines.

    Args:
        width: In pixels.
        height: In pixels.
        bits: Of a value, 8 or 16.
        channels: 1 or 3, and one more for opacity.
        deflated: The lines, each after the number of its filter, as a zlib stream.
    """
    header = struct.pack(">IIBBBBB", width, height, bits, COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", deflated), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        for kind, data in chunks
    )
