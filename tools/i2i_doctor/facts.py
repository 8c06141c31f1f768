"""What is remembered of every image: a fixed number of bytes, so that a million images fit into memory."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.data.tables.table import Problem
from i2i.images.near_copies import MINIATURE, miniature
from i2i.images.shift import Shift
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
        ("mean", "f4"),  # over the dtype's range, which becomes 0..1
        ("deviation", "f4"),  # largest standard deviation of a channel, likewise
        ("widened", "?"),  # whether every value is a multiple of 257: 8 bits, stored in 16
        ("checksums", "u4", (2,)),  # CRC-32 and Adler-32 of the pixels
        ("miniature", "u1", (MINIATURE, MINIATURE)),
    ]
)
"""One image. 319 bytes. Two of which every byte is equal are taken for identical."""

BINS = 64
"""Of the histogram of values, which spans the dtype's range."""

Facts = NDArray[Any]
"""One entry of type `FACTS` a row."""


class Place(NamedTuple):
    """Where an image is."""

    split: str
    row: int
    column: str


class Fault(NamedTuple):
    """An image that cannot be had."""

    place: Place
    reason: str
    message: str


class Aligned(NamedTuple):
    """The shift of one pair."""

    split: str
    row: int
    shift: Shift


@dataclass
class SplitFacts:
    """Everything that is known of one split."""

    split: str
    layout: str
    names: Sequence[str]
    columns: Sequence[str]
    problems: Sequence[Problem]
    facts: dict[str, Facts]
    """Column -> facts of its images."""
    values: dict[str, NDArray[np.int64]]
    """Column -> histogram of all its values, `BINS` counts."""
    faults: list[Fault] = field(default_factory=list)
    shifts: list[Aligned] = field(default_factory=list)
    notes: dict[str, list[int]] = field(default_factory=dict)
    """What had to be done to images -> their rows; see `i2i.images.Picture`."""
    strange: dict[str, list[int]] = field(default_factory=dict)
    """Value of a label map that is not declared -> the rows that hold it."""
    used: Counter[int] = field(default_factory=Counter)
    """Declared label id -> how many images hold it."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Name of a row -> the group that it was prepared in, if any."""
    looked_at: int = 0
    """Rows whose images were read, or tried."""

    def sort(self) -> None:
        """Bring everything into the order of the rows."""
        self.faults.sort(key=lambda fault: fault.place)
        self.shifts.sort(key=lambda aligned: aligned.row)
        for rows in (*self.notes.values(), *self.strange.values()):
            rows.sort()


def facts_of(pixels: Pixels) -> Any:
    """The facts of one image, (H, W, C), as an entry of type `FACTS`."""
    pixels = np.ascontiguousarray(pixels)
    lowest, highest = range_of(pixels.dtype)
    span, low, high = highest - lowest, float(pixels.min()), float(pixels.max())
    mean, deviation = zip(*(cv2.meanStdDev(part) for part in _fours(pixels)), strict=True)
    entry = np.zeros((), FACTS)
    entry["read"] = True
    entry["height"], entry["width"], entry["channels"] = pixels.shape
    entry["dtype"] = DTYPES.index(pixels.dtype)
    entry["low"], entry["high"] = low, high
    entry["mean"] = (np.concatenate(mean).sum() / pixels.shape[2] - lowest) / span
    entry["deviation"] = np.concatenate(deviation).max() / span
    entry["widened"] = pixels.dtype == np.uint16 and high > 255 and not (pixels % 257).any()
    entry["checksums"] = zlib.crc32(pixels.data), zlib.adler32(pixels.data)
    entry["miniature"] = miniature(pixels)
    return entry


def _fours(pixels: Pixels) -> list[Pixels]:
    """An image as images of at most four channels, which OpenCV takes."""
    return [np.ascontiguousarray(pixels[:, :, start : start + 4]) for start in range(0, pixels.shape[2], 4)]


def values_of(pixels: Pixels) -> NDArray[np.int64]:
    """The histogram of all values of an image, (H, W, C): `BINS` counts over the range of its dtype."""
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
