"""Photographs and the same with holes, for inpainting."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.images.colour import rounded, values_of
from i2i.pairs import Pair, Pixels, Reading, range_of
from i2i_prepare import chance
from i2i_prepare.background import colour_of
from i2i_prepare.fitted import Square

Holes = NDArray[np.bool_]
"""(H, W): where the photograph is blanked."""
Canvas = NDArray[np.uint8]
"""The same as 0 and 1, for OpenCV to draw on."""


@dataclass(kw_only=True)
class Inpaint(Square):
    """A photograph with holes -> the whole photograph (Pathak et al. 2016; Isola et al. 2017, on Paris StreetView).

    Where the holes are depends on the seed and on the photograph alone.

    Args:
        method: ``centre``: one block in the middle. ``blocks``: rectangles anywhere. ``strokes``: free-form lines, as
            a brush draws them (Yu et al. 2019).
        share: Share of the area that is blanked; for blocks and strokes the least. 0.25 is the central block of Pathak
            et al., half as high and wide as the photograph; 0.09 is that of pix2pix-tensorflow.
        fill: What the holes show: a colour such as ``white`` or ``#rrggbb``, ``mean`` of what is left, or ``noise``.
        mask_channel: Add the holes to the source as one more channel, the largest value where it is blanked. Sources
            of two or four channels are written as .npy.
        seed: Another seed, other holes.

    Raises:
        UsageError: If the fill is neither a colour nor ``mean`` nor ``noise``.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    size: Annotated[int, Field(ge=8)] = 256
    method: Literal["centre", "blocks", "strokes"] = "centre"
    share: Annotated[float, Field(ge=0.01, le=0.9)] = 0.25
    fill: str = "white"
    mask_channel: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.colour = None if self.fill in ("mean", "noise") else colour_of(self.fill, "fill")

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one photograph of any channels."""
        target = self.fitted(*images)
        random = chance.generator(self.seed, target)
        if self.method == "centre":
            holes = centre(self.size, self.share)
        else:
            holes = scattered(self.size, self.share, block if self.method == "blocks" else stroke, random)
        source = target.copy()
        source[holes] = self._filling(target, holes, random)
        if self.mask_channel:
            low, high = range_of(target.dtype)
            source = np.dstack([source, np.where(holes, high, low).astype(target.dtype)])
        return Pair(source, target)

    def _filling(self, target: Pixels, holes: NDArray[np.bool_], random: np.random.Generator) -> Pixels:
        """Return the values of the blanked pixels, (n, C) or (C,)."""
        channels, dtype = target.shape[2], target.dtype
        if self.colour is not None:
            return rounded(values_of(self.colour, channels, dtype), dtype)
        if self.fill == "mean":
            return rounded(target[~holes].mean(0, dtype=np.float64), dtype)
        return rounded(random.uniform(*range_of(dtype), (int(holes.sum()), channels)), dtype)


def centre(size: int, share: float) -> Holes:
    """Draw a square in the middle that covers this share of the area, to the pixel."""
    side = round(size * math.sqrt(share))
    holes = np.zeros((size, size), bool)
    start = (size - side) // 2
    holes[start : start + side, start : start + side] = True
    return holes


def scattered(
    size: int, share: float, draw: Callable[[Canvas, np.random.Generator], None], random: np.random.Generator
) -> Holes:
    """Draw shapes at random places until they cover this share of the area."""
    holes = np.zeros((size, size), np.uint8)
    while holes.mean() < share:
        draw(holes, random)
    return holes.astype(bool)


def block(holes: Canvas, random: np.random.Generator) -> None:
    """Draw a rectangle whose centre is anywhere in the image, each side an eighth to a third of the image's."""
    size = len(holes)
    sides = random.integers(size // 8, size // 3, 2, endpoint=True)
    starts = random.integers(0, size, 2) - sides // 2
    (top, left), (bottom, right) = np.maximum(starts, 0), starts + sides
    holes[top:bottom, left:right] = 1


def stroke(holes: Canvas, random: np.random.Generator) -> None:
    """Draw a line of four to eight bends, with round joints, with one brush (after Yu et al. 2019, algorithm 1).

    It goes forth and back: the direction turns by about 140 degrees at every bend, as a hand that rubs something out.
    The brush is a 24th to a 10th of the image wide, a straight piece an eighth to a third long.
    """
    size = len(holes)
    thickness = int(random.integers(max(1, size // 24), max(1, size // 10), endpoint=True))
    place = random.uniform(0, size, 2)
    angle = random.uniform(0, 2 * math.pi)
    for _ in range(random.integers(4, 8, endpoint=True)):
        length = random.uniform(size / 8, size / 3)
        end = np.clip(place + length * np.array([math.cos(angle), math.sin(angle)]), 0, size - 1)
        (x, y), (to_x, to_y) = place.astype(int).tolist(), end.astype(int).tolist()
        cv2.line(holes, (x, y), (to_x, to_y), 1, thickness)  # OpenCV draws round ends
        place = end
        angle += math.radians(140) + random.normal(0, math.radians(25))
