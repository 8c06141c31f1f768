"""Thin black lines on white out of a soft edge map, as pix2pix made its edges.

The steps are those of ``scripts/edges/PostprocessHED.m`` of https://github.com/phillipi/pix2pix: resize, keep the
ridges, keep what is strong, thin to one pixel, drop specks. Written anew from the formulas.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.pairs import Pixels

Map = NDArray[np.float32]
"""An edge map, (H, W): the probability of an edge, 0..1."""

Lines = NDArray[np.bool_]
"""Which pixels are lines, (H, W)."""


def trace(edges: Map, height: int, width: int, *, threshold: float = 25 / 255, smallest: int = 5) -> Lines:
    """Trace lines one pixel wide along the ridges of an edge map.

    Args:
        edges: An edge map of any size, as floats: rounded to 8 bits first, lines move.
        height: Height of the lines' image.
        width: Width of the lines' image.
        threshold: Probability from which on an edge is drawn.
        smallest: Lines of fewer pixels are dropped.
    """
    edges = resize_map(edges, height, width)
    ridges = suppress(edges, orientation(edges))
    return drop_small(thin((ridges >= threshold) & (ridges > 0)), smallest)


def resize_map(edges: Map, height: int, width: int) -> Map:
    """Resize the map by antialiased cubic convolution (Keys 1981, a = -0.5), MATLAB's ``imresize``."""
    resized = Image.fromarray(edges).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.float32)


def orientation(edges: Map, radius: int = 4) -> Map:
    """Return the direction across the ridge at every pixel, in radians, 0..pi; x points right and y down.

    Across a ridge of direction t the second derivatives of the map are as cos(t)**2 (xx), cos(t) sin(t) (xy) and
    sin(t)**2 (yy). The formula is that of the Structured Edge Detection Toolbox (Dollar & Zitnick 2015), which takes
    tan(t)**2 for abs(tan(t)): exact along axes and diagonals, at most 13 degrees off between them.

    Args:
        edges: An edge map.
        radius: Of the triangle filter that smooths the map first.
    """
    triangle = np.bartlett(2 * radius + 3)[1:-1]
    triangle /= triangle.sum()
    smooth = cv2.sepFilter2D(edges, cv2.CV_32F, triangle, triangle, borderType=cv2.BORDER_REFLECT)
    dy, dx = np.gradient(smooth)
    dyy, dxy = np.gradient(dy)
    dxx = np.gradient(dx, axis=1)
    angle: Map = np.mod(np.arctan(dyy * np.sign(-dxy) / (dxx + 1e-5)), np.pi)
    return angle


def suppress(edges: Map, across: Map, *, margin: float = 1.01, rim: int = 5) -> Map:
    """Suppress all but maxima: edges stay where no neighbour across the ridge is stronger, and are 0 elsewhere.

    Args:
        edges: An edge map.
        across: Direction across the ridge, radians.
        margin: A neighbour is stronger if it exceeds the edge times this.
        rim: Edges fade to 0 over this many pixels at the rim of the image, where a detector finds edges of its own.
    """
    y, x = np.indices(edges.shape, dtype=np.float32)
    dy, dx = np.sin(across), np.cos(across)
    strongest = np.maximum(_sample(edges, y + dy, x + dx), _sample(edges, y - dy, x - dx))
    ridges = np.where(edges * margin < strongest, 0, edges)
    return ridges * _fade(edges.shape[0], rim)[:, None] * _fade(edges.shape[1], rim)


def _sample(edges: Map, y: Map, x: Map) -> Map:
    """Interpolate bilinearly at (y, x), held inside the image."""
    height, width = edges.shape
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, right = y - top, x - left
    upper = edges[top, left] * (1 - right) + edges[top, left + 1] * right
    lower = edges[top + 1, left] * (1 - right) + edges[top + 1, left + 1] * right
    sample: Map = upper * (1 - down) + lower * down
    return sample


def _fade(length: int, rim: int) -> Map:
    position = np.arange(length, dtype=np.float32)
    return np.minimum(np.minimum(position, position[::-1]) / rim, 1)


# a bit for each of the eight neighbours: east first, then counter-clockwise
NEIGHBOUR_BITS = np.array([[8, 4, 2], [16, 0, 1], [32, 64, 128]], dtype=np.float32)


def _deletable(phase: int) -> NDArray[np.uint8]:
    """Return 1 for the neighbourhoods, out of all 256, whose centre the phase deletes, and 0 for the others."""
    table = np.zeros(256, dtype=np.uint8)
    for code in range(256):
        x = [bool(code >> i & 1) for i in range(8)]
        pairs = range(0, 8, 2)
        crossings = sum(not x[i] and (x[i + 1] or x[(i + 2) % 8]) for i in pairs)
        neighbours = min(sum(x[i] or x[i + 1] for i in pairs), sum(x[i - 1] or x[i] for i in pairs))
        # the first phase deletes from the north and east, the second, turned by 180 degrees, from the south and west
        east, north_east, north, south_east = (x[(i + 4 * phase) % 8] for i in (0, 1, 2, 7))
        held = east and (north_east or north or not south_east)
        table[code] = crossings == 1 and 2 <= neighbours <= 3 and not held
    return table


DELETABLE = (_deletable(0), _deletable(1))


def thin(mask: Lines) -> Lines:
    """Thin lines to one pixel, connected as they were.

    Guo & Hall 1989, algorithm A1, in the form of Lam, Lee & Suen 1992, p. 879: MATLAB's ``bwmorph(mask, "thin", Inf)``.
    """
    lines = mask.astype(np.uint8)
    while True:
        before = cv2.countNonZero(lines)
        for deletable in DELETABLE:
            neighbourhood = cv2.filter2D(lines, cv2.CV_8U, NEIGHBOUR_BITS, borderType=cv2.BORDER_CONSTANT)
            lines[cv2.LUT(neighbourhood, deletable) > 0] = 0
        if cv2.countNonZero(lines) == before:
            return lines.astype(bool)


def drop_small(mask: Lines, smallest: int) -> Lines:
    """Drop the 8-connected components of a mask that have fewer pixels than that."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = statistics[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False  # the background
    kept: Lines = keep[labels]
    return kept


def segments(lines: Lines) -> NDArray[np.int64]:
    """Return the ends of a segment between every two neighbouring pixels of thin lines, (N, 2, 2): x and y of each.

    A diagonal step is left out where two straight ones lead to the same pixel. A pixel without neighbours is a segment
    from itself to itself.
    """
    rows, columns = lines.shape
    found = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        left, wide = max(-right, 0), columns - abs(right)
        here, there = lines[: rows - down, left : left + wide], lines[down:, left + right : left + right + wide]
        joined = here & there
        if down and right:
            corner = lines[down:, left : left + wide] | lines[: rows - down, left + right : left + right + wide]
            joined &= ~corner
        y, x = np.nonzero(joined)
        found.append(np.stack([np.stack([x + left, y], 1), np.stack([x + left + right, y + down], 1)], axis=1))
    around = cv2.filter2D(lines.astype(np.uint8), cv2.CV_8U, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    y, x = np.nonzero(lines & (around == 1))
    alone = np.stack([x, y], 1)
    return np.concatenate([*found, np.stack([alone, alone], axis=1)])


def draw(mask: Lines) -> Pixels:
    """Draw black lines on white paper, (H, W, 1), uint8."""
    return np.where(mask, 0, 255).astype(np.uint8)[..., None]
