"""JPEG 2000 codestreams (ITU-T T.800): how many packets a decoder would go through."""

import struct

CODESTREAM = b"\xff\x4f\xff\x51"
CODING, COMPONENT, TILE_PART, DATA = 0xFF52, 0xFF53, 0xFF90, 0xFF93
MAX_PACKETS = 2_000_000
"""Photographs have some thousands; OpenJPEG takes about three microseconds for each, be it empty."""
MAX_SEGMENTS = 10_000


def count_packets(data: bytes, pixels: int) -> int:
    """Return how many packets the headers ask for, about: layers times pieces of every size of the image.

    Args:
        data: The file.
        pixels: Width times height.

    Returns:
        The count, and more than `MAX_PACKETS` where headers do not end.
    """
    place, end, most = data.find(CODESTREAM) + 2, len(data), 0
    for _ in range(MAX_SEGMENTS):
        if place + 4 > len(data):
            return most
        marker, length = struct.unpack_from(">HH", data, place)
        if marker == TILE_PART:
            (size,) = struct.unpack_from(">I", data, place + 6) if place + 10 <= len(data) else (0,)
            end = place + size if size else len(data)
        elif marker in (CODING, COMPONENT):
            most = max(most, _packets(marker, data[place + 4 : place + 2 + length], pixels))
        place = end if marker == DATA else place + 2 + length
    return MAX_PACKETS + 1


def _packets(marker: int, body: bytes, pixels: int) -> int:
    """Count those of one segment (sections A.6.1 and A.6.2)."""
    layers = struct.unpack_from(">H", body, 2)[0] if marker == CODING else 1
    style, rest = (body[0], body[5:]) if marker == CODING else (body[1], body[2:])
    levels, precincts = rest[0], rest[5:] if style & 1 else b""
    smallest = min((side & 15) + (side >> 4) for side in precincts) if precincts else 30
    return int(layers * 3 * (levels + 1 + 2 * pixels // 2**smallest))
