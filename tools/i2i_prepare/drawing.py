"""What line drawings look like: an input that looks otherwise is redrawn as the sources of a model were drawn.

Steps of `Drawing.fit`, each quick, and simple enough to be done in a browser as well:

1. Brightness, made smaller if it is much larger than the sources.
2. Which pixels are ink (`i2i_prepare.ink`), and whether that is a line drawing at all.
3. Whether it is far in polarity, width of lines, shades of gray, size, or in how much of the frame it fills. What is
   near in all of them stays as it is. What is far in its polarity alone is inverted.
4. Else centre lines, and outlines of what is filled; their segments are drawn anew in the size of the sources.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, NamedTuple

import cv2
import numpy as np
from pydantic import Field

from i2i.images.colour import luma
from i2i.looks import Fitted
from i2i.pairs import Pixels, range_of
from i2i_prepare.ink import Gray, Ink, find_ink
from i2i_prepare.lines import Lines, Map, drop_small, segments, thin

LEAST, TIMES = 640, 3
"""A drawing is looked at with at most so many pixels on its longer side, or so many times those of the sources."""
SAME_SIZE = 1.25
"""Factor of height and width within which networks know things again; training jitters by 286/256."""
SAME_STROKE = 1.5
"""Factor by which lines may be thicker or thinner than any of the sources."""
SAME_EXTENT = 1.25
"""Factor by which a drawing may be smaller in its frame than any of the sources."""
SAME_GRAY = 0.05
"""Share of pixels by which there may be more shades of gray than in any of the sources."""
UNQUIET = 0.08
"""Share of the paper that differs from it, or changes from pixel to pixel, from which on it is no paper."""
FILLED = 0.1
"""Share of ink that is no lines from which on areas are filled."""
SMALLEST = 4
"""Lines of fewer pixels are dropped once they are in the size of the sources."""

Measured = tuple[float, float, float]
"""Of all sources that were measured: the 1st percentile, the median, and the 99th percentile."""

WIDEST = 100
"""Pixels of the widest lines that are told from wider ones."""

Pixel = Annotated[float, Field(gt=0, le=WIDEST)]
Box = tuple[int, int, int, int]
"""Top, left, bottom and right, pixels."""

Share = Annotated[float, Field(ge=0, le=1)]


class Seen(NamedTuple):
    """What is seen in one image."""

    ink: Ink
    lines: Lines
    """Its centre lines, and outlines of what is filled."""
    stroke: float
    """Width of lines, in pixels of the image: ink divided by the length of the centre lines."""
    even: bool
    """Whether lines are about as wide everywhere."""
    filled: float
    """Share of ink that lies deeper than lines do."""
    gray: float
    """Share of pixels that are neither black nor white."""
    box: Box
    """Of the lines."""

    @property
    def extent(self) -> float:
        """Return how much of the frame the drawing fills: the larger share of both sides."""
        (height, width), (top, left, bottom, right) = self.lines.shape, self.box
        return float(max((bottom - top) / height, (right - left) / width))


@dataclass
class Drawing:
    """Line drawings as the sources of a model are.

    Args:
        size: Height and width at which networks see them, pixels.
        dark: Whether lines are darker than the paper.
        stroke: Width of lines, pixels.
        extent: How much of the frame a drawing fills: the larger share of height and width.
        gray: Share of pixels that are neither black nor white.
        centre: Where the middle of a drawing lies: shares of height and width.
        filled: Whether areas are filled with ink, which then are not drawn as outlines.
    """

    size: tuple[int, int]
    _: KW_ONLY
    dark: bool
    stroke: tuple[Pixel, Pixel, Pixel]
    extent: tuple[Share, Share, Share]
    gray: tuple[Share, Share, Share]
    centre: tuple[Share, Share]
    filled: bool

    @classmethod
    def measure(cls, images: Sequence[Pixels]) -> dict[str, Any] | None:
        """Measure drawings; None where most of the images are none."""
        seen = [each for each in (look_at(_brightness(image)) for image in images) if not _is_else(each)]
        if not seen or 2 * len(seen) < len(images):
            return None
        middles = [_middle(each) for each in seen]
        return {
            "dark": 2 * sum(each.ink.dark for each in seen) >= len(seen),
            "stroke": _quantiles([min(each.stroke, WIDEST) for each in seen]),
            "extent": _quantiles([each.extent for each in seen]),
            "gray": _quantiles([each.gray for each in seen]),
            "centre": [round(float(np.median(each)), 3) for each in zip(*middles, strict=True)],
            "filled": float(np.median([each.filled for each in seen])) > FILLED,
        }

    def fit(self, image: Pixels) -> Fitted:
        """Compare an image with the sources, and redraw it if it is far from them; see `i2i.looks.Look`."""
        gray = _brightness(image)
        seen = look_at(gray, max(LEAST, TIMES * max(self.size)))
        if reason := _is_else(seen):
            return Fitted(image, (reason,))
        inverted = seen.ink.dark != self.dark
        polarity = ("light on dark" if self.dark else "dark on light",) if inverted else ()
        shape = self._far(gray, seen)
        if not shape:
            return Fitted(_inverted(image), polarity, ("inverted",)) if inverted else Fitted(image)
        drawn = "redrawn" if self.filled else f"lines redrawn {self._width} px wide"
        done = (*(("inverted",) if inverted else ()), drawn, f"brought to {self.size[1]}x{self.size[0]}")
        return Fitted(self._redrawn(seen), (*polarity, *shape), done)

    @property
    def _width(self) -> int:
        return _in_pixels(self.stroke[1])

    def _far(self, gray: Gray, seen: Seen) -> tuple[str, ...]:
        """Say in what a drawing is far from the sources, besides polarity."""
        (height, width), (thinnest, _, thickest) = self.size, self.stroke
        factors = [a / b for a, b in zip(gray.shape, self.size, strict=True)]
        said = []
        if not thinnest / SAME_STROKE <= seen.stroke <= thickest * SAME_STROKE:
            said.append(f"lines {_in_pixels(seen.stroke)} px wide, not {self._width}")
        if seen.filled > FILLED and not self.filled:
            said.append("areas filled")
        if seen.gray > self.gray[2] + SAME_GRAY:
            said.append("shades of gray")
        if not all(1 / SAME_SIZE <= factor <= SAME_SIZE for factor in factors):
            said.append(f"{gray.shape[1]}x{gray.shape[0]} px, not {width}x{height}")
        elif seen.extent < self.extent[0] / SAME_EXTENT:
            said.append("small in its frame")
        return tuple(said)

    def _redrawn(self, seen: Seen) -> Pixels:
        """Draw it as the sources are drawn, (H, W, 1) uint8."""
        scale, shift = self._placed(seen)
        height, width = self.size
        drawn = np.zeros((height, width), np.uint8)
        if self.filled:
            across, down = (start + scale / 2 - 0.5 for start in (shift[1], shift[0]))
            matrix = np.array([[scale, 0, across], [0, scale, down]])
            soft = cv2.GaussianBlur(seen.ink.mask.astype(np.float32), (0, 0), max(0.4 / scale, 0.1))
            mask = cv2.warpAffine(soft, matrix, (width, height)) > 0.5
        else:
            ends = np.floor((segments(seen.lines) + 0.5) * scale + np.array(shift[::-1])).astype(np.int32)
            cv2.polylines(drawn, list(ends), isClosed=False, color=1)
            mask = drop_small(thin(drawn.astype(bool)), SMALLEST)
            if self._width > 1:
                pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self._width, self._width))
                mask = cv2.dilate(mask.astype(np.uint8), pen).astype(bool)
        return np.where(mask == self.dark, 0, 255).astype(np.uint8)[..., None]

    def _placed(self, seen: Seen) -> tuple[float, tuple[float, float]]:
        """Return the scale, and where (0, 0) comes to: y and x in pixels of the sources.

        The largest centred part of the frame that has the sources' proportions is taken if all is in it, and fills it
        as any source does; else the drawing alone, as large and where most sources are.
        """
        (height, width), (rows, columns) = self.size, seen.lines.shape
        top, left, bottom, right = seen.box
        scale = max(height / rows, width / columns)
        shift = ((height - rows * scale) / 2, (width - columns * scale) / 2)
        low, high = (
            (top * scale + shift[0], left * scale + shift[1]),
            (bottom * scale + shift[0], right * scale + shift[1]),
        )
        inside = min(low) >= 0 and high[0] <= height and high[1] <= width
        if inside and max((high[0] - low[0]) / height, (high[1] - low[1]) / width) >= self.extent[0]:
            return scale, shift
        scale = self.extent[1] * min(height / (bottom - top), width / (right - left))
        return scale, (
            _start(height, (bottom - top) * scale, self.centre[0]) - top * scale,
            _start(width, (right - left) * scale, self.centre[1]) - left * scale,
        )


def look_at(gray: Gray, most: int = LEAST) -> Seen:
    """See what an image shows.

    Args:
        gray: The image.
        most: Pixels of its longer side that are looked at; one that has more is made smaller.
    """
    scale = min(most / max(gray.shape), 1.0)
    small = gray if scale == 1 else cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = find_ink(np.asarray(small, np.uint8))
    centre, depth = thin(ink.mask), _depth(ink.mask)
    filled = _filled(ink.mask, centre, depth)
    inner = cv2.erode(filled.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    lines = np.asarray((centre & ~filled) | (filled & ~inner), bool)
    share, gray_share = float(filled.sum() / max(ink.mask.sum(), 1)), float(np.mean((gray > 32) & (gray < 223)))
    thickness = (centre & ~filled).sum() or lines.sum() or 1
    amount = ink.amount * (1 - share if (centre & ~filled).any() else 1)
    along = depth[centre]
    even = along.size == 0 or bool(along.std() <= 0.5 * along.mean())
    return Seen(ink, lines, float(amount / thickness / scale), even, share, gray_share, _box(lines))


def _is_else(seen: Seen) -> str:
    """Say why what is seen is no line drawing; nothing where it is one.

    In drawings lines are about as wide everywhere, unless they are clean, and the paper changes little from pixel to
    pixel. The limits lie between drawings and photographs that were measured; see ``tests/i2i_prepare``.
    """
    unquiet = seen.ink.steps > UNQUIET or seen.ink.rest > UNQUIET
    if not seen.lines.any():
        return "no line drawing" if unquiet else "blank"
    top, left, bottom, right = _box(seen.ink.mask)
    scattered = seen.lines.sum() < 0.8 * max(bottom - top, right - left)
    clean = seen.ink.uniform and seen.ink.rest < 0.005
    return "no line drawing" if unquiet or scattered or not (seen.even or clean) else ""


def _filled(mask: Lines, centre: Lines, depth: Map) -> Lines:
    """Return the ink that lies more than three times as deep as lines do, or is wider than an eighth of the drawing."""
    if not centre.any():
        return np.zeros_like(mask)
    typical, (top, left, bottom, right) = float(np.median(depth[centre])), _box(mask)
    widest = max(bottom - top, right - left) / 16
    core = depth > min(max(3 * typical, typical + 2), max(widest, 2))
    if not core.any():
        return np.asarray(core, bool)
    reach = int(np.ceil(2.2 * min(typical, widest)))
    grown = cv2.dilate(core.astype(np.uint8), _disc(2 * reach + 1)).astype(bool) & mask
    return np.asarray(cv2.morphologyEx(grown.astype(np.uint8), cv2.MORPH_OPEN, _disc(reach | 1)), bool)


def _box(mask: Lines) -> Box:
    """Return the box of a mask; nothing but zeros of an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1) if rows.size else (0, 0, 0, 0)


def _depth(mask: Lines) -> Map:
    """Return the distance of each pixel of ink from the paper, pixels."""
    padded = np.pad(mask, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _disc(side: int) -> Any:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _brightness(image: Pixels) -> Gray:
    """Return the brightness of any image, 8 bits."""
    gray: Gray = np.rint(255 * luma(image)).astype(np.uint8)
    return gray


def _in_pixels(stroke: float) -> int:
    """Return the width of lines, pixels: a line is an eighth longer than it has pixels, in the mean of all directions.

    That is 4 ln(1 + sqrt(2)) / pi, the mean of 1 / max(abs(cos), abs(sin)).
    """
    return max(round(0.89 * stroke), 1)


def _inverted(image: Pixels) -> Pixels:
    low, high = range_of(image.dtype)
    return np.asarray(np.asarray(high + low, image.dtype) - image, image.dtype)


def _middle(seen: Seen) -> tuple[float, float]:
    (height, width), (top, left, bottom, right) = seen.lines.shape, seen.box
    return (top + bottom) / 2 / height, (left + right) / 2 / width


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in np.quantile(values, (0.01, 0.5, 0.99))]


def _start(length: int, covered: float, centre: float) -> float:
    """Return where something begins that covers so much of a length and has its middle there, inside of it."""
    return min(max(centre * length - covered / 2, 0.0), length - covered)
