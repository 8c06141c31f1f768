"""The chunks of a PNG file, walked through without inflating one (PNG specification, section 5)."""

from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Chunks(NamedTuple):
    """What the chunks are."""

    exif: bytes | None
    """Content of ``eXIf``, which may follow the pixels, where Pillow would have to decode them first."""
    complete: bool
    """Whether every chunk is as long as it says, up to the last. OpenCV takes up to 2 GiB for a chunk that lies."""


def walk(stream: BinaryIO) -> Chunks:
    """The chunks of a file; leaves the stream at its start."""
    stream.seek(0, 2)
    end = stream.tell()
    place, exif, complete = len(SIGNATURE), None, False
    while place + 12 <= end and not complete:
        stream.seek(place)
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if place + 12 + length > end:
            break
        if kind == b"eXIf":
            exif = stream.read(length)
        complete = kind == b"IEND"
        place += 12 + length
    stream.seek(0)
    return Chunks(exif, complete)
