"""Edit lists of MP4 and QuickTime (ISO/IEC 14496-12, 8.6.6): which part of a film is shown after a phone trimmed it.

Frames outside of it are in the file and in its frame count, and no player shows them.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

MAX_MOVIE = 256 * 2**20
"""Bytes of the box that describes a film; hours take a few million."""


def edited_seconds(file: str) -> float | None:
    """Return how long a film's pictures are shown by its edit list, in seconds; nothing where it has none."""
    try:
        movie = _movie_box(Path(file))
        timescale = next(_timescale(box) for kind, box in _boxes(movie) if kind == b"mvhd")
        for kind, track in _boxes(movie):
            inside = dict(_boxes(track)) if kind == b"trak" else {}
            handler = dict(_boxes(inside.get(b"mdia", b""))).get(b"hdlr", b"")
            if handler[8:12] == b"vide" and b"edts" in inside:
                return _length(dict(_boxes(inside[b"edts"]))[b"elst"]) / timescale
    except (OSError, struct.error, StopIteration, KeyError, ZeroDivisionError):  # another container, or damaged
        return None
    return None


def _movie_box(path: Path) -> bytes:
    """Read the box that describes the film, wherever it stands among those of the file."""
    with path.open("rb") as file:
        while True:
            begin = file.tell()
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8))
            if kind == b"moov":
                return file.read(min(size, MAX_MOVIE) - (file.tell() - begin))
            if size < 8:
                raise KeyError("moov")
            file.seek(begin + size)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Split a box into those inside it: kind and content of each."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        yield kind, data[place + 8 : place + size]
        place += size


def _timescale(header: bytes) -> int:
    """Return the units of time in a second, of the film's header in version 0 or 1."""
    units: int = struct.unpack_from(">I", header, 20 if header[:1] == b"\1" else 12)[0]
    return units


def _length(edits: bytes) -> int:
    """Add up the lengths of an edit list, without those that show nothing."""
    entry = ">qqI" if edits[:1] == b"\1" else ">iiI"
    (count,) = struct.unpack_from(">I", edits, 4)
    size = struct.calcsize(entry)
    entries = [struct.unpack_from(entry, edits, 8 + size * number) for number in range(min(count, len(edits) // size))]
    return sum(length for length, begin, _ in entries if begin >= 0)
