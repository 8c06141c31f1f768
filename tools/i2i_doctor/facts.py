"""What is measured of one image, in a fixed number of bytes, so that a million fit into memory; and sums over many."""

from functools import reduce
from math import ceil, sqrt
from typing import Any, NamedTuple

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from i2i.images.colour import brightness
from i2i.images.near_copies import MINIATURE, miniature
from i2i.pairs import Pixels, range_of

DTYPES = ("uint8", "uint16", "float32")

FACTS = np.dtype(
    [
        ("read", "?"),  # whether there is an image; nothing below counts where there is none
        ("height", "u4"),
        ("width", "u4"),
        ("channels", "u2"),
        ("dtype", "u1"),  # its place in DTYPES
        ("low", "f4"),  # smallest and largest value of all channels, in units of the dtype
        ("high", "f4"),
        ("deviation", "f4"),  # largest standard deviation of a channel, over the dtype's range, which becomes 0..1
        ("widened", "?"),  # whether every value is a multiple of 257: 8 bits, stored in 16
        ("dark", "u4"),  # pixels below half brightness, from 90 % on, and of unequal channels
        ("light", "u4"),
        ("coloured", "u4"),
        ("digest", "V16"),  # of pixels, shape and dtype
        ("miniature", "u1", (MINIATURE, MINIATURE)),
    ]
)
"""One image, in 309 bytes."""

BINS = 64
"""Of the histogram of values, which spans the dtype's range."""

DARK, LIGHT = 0.5, 0.9  # of the range of brightness
COLOURED = 0.1  # of the range, between the largest and the smallest channel of a pixel

Facts = NDArray[Any]
"""Entries of type `FACTS`."""


class Measures(NamedTuple):
    """What is measured of an image; in bytes, since arrays take several times as long to send."""

    facts: bytes
    """An entry of type `FACTS`."""
    values: bytes
    """Histogram of all values, `BINS` counts of int64."""
    channels: bytes
    """(C, 4) float64: smallest and largest value, sum and sum of squares of each channel."""


def measure(pixels: Pixels) -> Measures:
    """Measure one image, (H, W, C)."""
    pixels = np.ascontiguousarray(pixels)
    lowest, highest = range_of(pixels.dtype)
    span, (height, width, channels) = highest - lowest, pixels.shape
    planes = cv2.split(pixels) if channels > 1 else [pixels[..., 0]]  # of which OpenCV measures each many times as fast
    limits = np.array([cv2.minMaxLoc(plane)[:2] for plane in planes])
    mean, deviation = np.array([cv2.meanStdDev(plane) for plane in planes])[..., 0, 0].T
    gray = brightness(pixels)
    entry = np.zeros((), FACTS)
    entry["read"] = True
    entry["height"], entry["width"], entry["channels"] = height, width, channels
    entry["dtype"] = DTYPES.index(pixels.dtype)
    entry["low"], entry["high"] = limits.min(), limits.max()
    entry["deviation"] = deviation.max() / span
    entry["widened"] = pixels.dtype == np.uint16 and entry["high"] > 255 and not (pixels % 257).any()
    entry["dark"] = np.count_nonzero(gray < _level(gray, lowest + DARK * span))
    entry["light"] = np.count_nonzero(gray >= _level(gray, lowest + LIGHT * span))
    if channels > 1:
        between = reduce(np.maximum, planes) - reduce(np.minimum, planes)
        entry["coloured"] = np.count_nonzero(between >= _level(between, COLOURED * span))
    entry["digest"] = _digest(pixels)
    entry["miniature"] = miniature(pixels)
    sums = np.stack([mean, deviation**2 + mean**2], axis=1) * (height * width)
    return Measures(entry.tobytes(), values_of(pixels).tobytes(), np.concatenate([limits, sums], axis=1).tobytes())


def _level(values: NDArray[Any], level: float) -> float:
    """Round a threshold up for whole numbers, which are compared many times as fast with whole ones."""
    return ceil(level) if values.dtype.kind == "u" else level


def _digest(pixels: Pixels) -> Any:
    """Hash pixels, shape and dtype to 128 bits, at the speed of memory."""
    whole = xxhash.xxh3_128(f"{pixels.dtype} {pixels.shape}".encode())
    whole.update(pixels.data)
    return np.void(whole.digest())


def values_of(pixels: Pixels) -> NDArray[np.int64]:
    """Count all values of an image, (H, W, C), in `BINS` equal steps of the range of its dtype."""
    lowest, highest = range_of(pixels.dtype)
    above = float(np.nextafter(np.float32(highest), np.float32(np.inf))) if pixels.dtype == np.float32 else highest + 1
    limits = [lowest, above]
    values = np.ascontiguousarray(pixels).ravel()
    middle = len(values) // 2
    # both halves at once: on a plain background each count waits for the one before, and so there are half as many
    halves = [values[: len(values) - middle], values[middle:]]
    both = cv2.calcHist(halves, [0, 1], None, [BINS, BINS], limits * 2)
    counts: NDArray[np.int64] = both.sum(axis=0, dtype=np.int64) + both.sum(axis=1, dtype=np.int64)
    if len(values) % 2:  # the one in the middle is in both
        counts -= cv2.calcHist([values[middle : middle + 1]], [0], None, [BINS], limits).ravel().astype(np.int64)
    return counts


FIXED = 2**40
"""Sums are added as whole numbers of this part, so that they do not depend on the order in which workers finish."""


class Sums:
    """Smallest and largest value, sum and sum of squares, of each channel over many images."""

    def __init__(self, channels: int) -> None:
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.total, self.squares = [0] * channels, [0] * channels

    def add(self, channels: NDArray[np.float64]) -> None:
        """Add one image; see `i2i_doctor.facts.Measures`."""
        self.low, self.high = np.minimum(self.low, channels[:, 0]), np.maximum(self.high, channels[:, 1])
        for number, (total, squares) in enumerate(channels[:, 2:].tolist()):
            self.total[number] += int(total * FIXED)
            self.squares[number] += int(squares * FIXED)

    def figures(self, pixels: int, *, whole: bool) -> list[dict[str, float]]:
        """Return minimum, maximum, mean and standard deviation of each channel.

        Args:
            pixels: How many there are in all images.
            whole: Whether values are whole numbers.
        """
        number = int if whole else float
        return [
            {
                "min": number(low),
                "max": number(high),
                "mean": total / FIXED / pixels,
                "std": sqrt(max((pixels * squares * FIXED - total * total) / (pixels * FIXED) ** 2, 0.0)),
            }
            for low, high, total, squares in zip(self.low, self.high, self.total, self.squares, strict=True)
        ]
