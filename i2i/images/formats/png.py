"""PNG files (W3C, Portable Network Graphics, third edition): their chunks, without inflating one."""

import struct
import zlib
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}
"""Kind of colour, without palettes -> bits that a value may have."""


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
    """Walk through the chunks of a file, and back to its start."""
    end = stream.seek(0, 2)
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
    """Return the header where it is intact and that of gray or of colours, with opacity or without; not of a palette.

    Args:
        start: The first 33 bytes of a file, or more.
    """
    width, height, depth, colour, _, filters, _ = struct.unpack(">IIBBBBB", start[16:29])
    intact = start[8:16] == b"\0\0\0\rIHDR" and zlib.crc32(start[12:29]) == int.from_bytes(start[29:33], "big")
    sound = width > 0 and height > 0 and depth in DEPTHS.get(colour, ()) and filters == 0
    return Fields(width, height, depth, colour) if intact and sound else None
