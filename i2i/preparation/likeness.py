"""What tells copies of a picture: checksums, and a perceptual hash, equal in another size, format or quality."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from i2i.pairs import Pixels, range_of

SIDE = 8
ENOUGH = 128
"""Pixels along the shorter side of which the cells' means are taken."""

MIN_BITS = 8
"""Hashes with fewer bits of either kind are those of blank or smooth pictures, which are alike in nothing."""

MIN_STEPS = 32
"""So are those of pictures with fewer cells that differ from their neighbour, such as mattes and maps of labels."""

ONE_LEVEL = 1 / 255
"""Standard deviation, of the range of values, below which a picture shows nothing; the dataset doctor has the same."""


def likeness(pixels: Pixels) -> str:
    """Difference hash (Krawetz, "Kind of like that", 2013): is each of 8x8 cells darker than its right neighbour?

    Args:
        pixels: (H, W, C) of any dtype.

    Returns:
        64 bits as 16 hexadecimal digits; nothing where the picture has too few features.
    """
    cells = cv2.resize(_shrunk(pixels), (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    gray = cells.astype(np.float64).reshape(SIDE, SIDE + 1, -1).mean(axis=2)
    steps = np.diff(gray, axis=1)
    bits = steps > 0
    if not MIN_BITS <= bits.sum() <= bits.size - MIN_BITS or np.count_nonzero(steps) < MIN_STEPS:
        return ""
    return np.packbits(bits).tobytes().hex()


def contents_of(files: Sequence[str], read: Sequence[Pixels], made: Sequence[Pixels]) -> tuple[str, ...]:
    """What a pair consists of, as checksums; none of images of one colour, unless there are no others.

    Args:
        files: SHA-256 of the files that were read.
        read: Their images.
        made: The images that were made.

    Returns:
        The first 32 hexadecimal digits of SHA-256 sums, all different, of the source first; at least one.
    """
    sums = [_digest(pixels) for pixels in made]
    telling = [file for file, pixels in zip(files, read, strict=True) if shows_something(pixels)]
    telling += [text for text, pixels in zip(sums, made, strict=True) if shows_something(pixels)]
    whole = hashlib.sha256(" ".join([*files, *sums]).encode()).hexdigest()
    return tuple(dict.fromkeys(text[:32] for text in telling or [whole]))


def shows_something(pixels: Pixels) -> bool:
    """Whether a picture is more than one colour."""
    low, high = range_of(pixels.dtype)
    fours = (np.ascontiguousarray(pixels[..., start : start + 4]) for start in range(0, pixels.shape[2], 4))
    return any(float(cv2.meanStdDev(four)[1].max()) >= ONE_LEVEL * (high - low) for four in fours)


def _digest(pixels: Pixels) -> str:
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _shrunk(pixels: Pixels) -> Pixels:
    """Every n-th pixel, enough for a cell's mean, in at most four channels, which is what OpenCV resizes at once."""
    step = max(1, min(pixels.shape[:2]) // ENOUGH)
    return np.ascontiguousarray(pixels[::step, ::step, :4])
