"""What is remembered of every image: a fixed number of bytes, so that a million images fit into memory."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.data.checks.alignment import Shift
from i2i.data.checks.likeness import MINIATURE, Gray, fingerprint
from i2i.data.tables.contract import Problem
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
        ("digest", "u8", (2,)),  # the first 128 bits of the SHA-256 of shape, type and pixels
        ("hash", "u8"),
        ("miniature", "u1", (MINIATURE, MINIATURE)),
    ]
)
"""One image. 335 bytes."""

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
    looked_at: int = 0
    """Rows whose images were read, or tried."""

    def sort(self) -> None:
        """Bring everything into the order of the rows."""
        self.faults.sort(key=lambda fault: fault.place)
        self.shifts.sort(key=lambda aligned: aligned.row)
        for rows in (*self.notes.values(), *self.strange.values()):
            rows.sort()


def facts_of(pixels: Pixels, gray: Gray) -> tuple[Any, NDArray[np.int64]]:
    """The facts of one image, as an entry of type `FACTS`, and the histogram of its values.

    Args:
        pixels: (H, W, C).
        gray: Its brightness, see `i2i.data.checks.likeness.luma`.
    """
    lowest, highest = range_of(pixels.dtype)
    low, high = float(pixels.min()), float(pixels.max())
    mean, deviation = zip(*(cv2.meanStdDev(part) for part in _fours(pixels)), strict=True)
    span = highest - lowest
    entry = np.zeros((), FACTS)
    entry["read"] = True
    entry["height"], entry["width"], entry["channels"] = pixels.shape
    entry["dtype"] = DTYPES.index(str(pixels.dtype))
    entry["low"], entry["high"] = low, high
    entry["mean"] = (np.concatenate(mean).mean() - lowest) / span
    entry["deviation"] = np.concatenate(deviation).max() / span
    entry["widened"] = pixels.dtype == np.uint16 and high > 255 and not (pixels % 257).any()
    entry["digest"] = np.frombuffer(_digest(pixels), np.uint64)[:2]
    entry["hash"], entry["miniature"] = fingerprint(gray)
    return entry, _counts(pixels, lowest, highest)


def _fours(pixels: Pixels) -> list[Pixels]:
    """An image as images of at most four channels, which OpenCV takes."""
    return [np.ascontiguousarray(pixels[:, :, start : start + 4]) for start in range(0, pixels.shape[2], 4)]


def _counts(pixels: Pixels, lowest: float, highest: float) -> NDArray[np.int64]:
    above = float(np.nextafter(np.float32(highest), np.float32(np.inf))) if pixels.dtype == np.float32 else highest + 1
    values = np.ascontiguousarray(pixels).reshape(-1)
    return cv2.calcHist([values], [0], None, [BINS], [lowest, above]).ravel().astype(np.int64)


def _digest(pixels: Pixels) -> bytes:
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
