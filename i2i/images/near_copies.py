"""Near-duplicates by perceptual hash: all groups of pictures that look alike, without comparing each with each.

What is a copy is said here alone: `i2i prepare` keeps copies in one split, and `i2i data check` reports those that lie
in two.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.images.colour import brightness
from i2i.pairs import Pixels

Hashes = NDArray[np.uint64]

Miniatures = NDArray[np.uint8]
"""(N, 16, 16)."""

MINIATURE = 16
"""Height and width of a miniature."""

ROWS = 384
ENOUGH = 128
"""Rows, and pixels of either side, from which the means of a miniature's cells are taken, and up to twice as many."""

BITS = 64
NEAR = 4
"""Most bits by which the hashes of two pictures that look the same may differ. Of 290 parts of photographs, 285 or more
stay within it at a half, a third and a quarter of their size, as JPEG of quality 75 to 95."""

ALIKE = 0.97
"""Least correlation of the steps between neighbours in two miniatures that show the same: that of copies is 0.975 and
more, that of parts of other photographs with near hashes 0.65 and less."""

CORNER = 3
"""Least mixed difference of 2x2 neighbours that shows something, of the 255 levels of a miniature."""

MIN_CORNERS = 90
"""Of the 225 in a miniature; pictures with fewer show too little to be known by. Whole photographs have 110 and more,
shadings and stripes none, small things and few shapes on a plain ground up to 86."""

LOWEST = 8  # frequencies each way
FIXED = 1 << 14  # the cosines are whole numbers of this part, so that hashes are the same on every machine
ROWS_AT_ONCE = 256  # bounds the memory of a comparison
AT_ONCE = 512  # miniatures that are looked at together


def miniature(pixels: Pixels) -> NDArray[np.uint8]:
    """Reduce a picture, (H, W, C), to 16x16, with its own darkest value as 0 and its lightest as 255.

    Each value is the mean of the area that it stands for; of pictures with very many rows, of some evenly spread ones.
    """
    gray = brightness(pixels[:: max(1, len(pixels) // ROWS)])
    gray = gray if gray.dtype == np.uint8 else gray.astype(np.float32)
    while min(gray.shape) >= 2 * ENOUGH:  # many times as fast as to reduce it at once
        height, width = (side // 2 for side in gray.shape)
        gray = cv2.resize(gray[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(gray.astype(np.float32), (MINIATURE, MINIATURE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.normalize(tiny, tiny, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U), np.uint8)


def telling(miniatures: Miniatures) -> NDArray[np.bool_]:
    """Tell which pictures show enough to be known by: not plain ones, shadings, and a few shapes on a plain ground.

    What counts is where a difference across changes on the way down; a picture of which it never does is the sum of a
    row and a column.

    Returns:
        (N,).
    """
    told = [np.empty(0, np.bool_)]
    for start in range(0, len(miniatures), AT_ONCE):
        some = miniatures[start : start + AT_ONCE].astype(np.int16)
        corners = np.abs(np.diff(np.diff(some, axis=1), axis=2)) >= CORNER
        told.append(corners.sum(axis=(1, 2)) >= MIN_CORNERS)
    return np.concatenate(told)


def hashes_of(miniatures: Miniatures) -> Hashes:
    """Compute perceptual hashes of pictures.

    A hash has a bit for each of the 64 lowest frequencies of the cosine transform of the miniature: whether it is above
    their median (Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010).

    Returns:
        (N,).
    """
    places = np.arange(MINIATURE) + 0.5
    cosines = np.rint(FIXED * np.cos(np.pi / MINIATURE * np.outer(np.arange(LOWEST), places))).astype(np.int64)
    cosines[0] = np.rint(FIXED / np.sqrt(2))
    found = [np.empty(0, np.uint64)]
    for start in range(0, len(miniatures), AT_ONCE):
        some = miniatures[start : start + AT_ONCE].astype(np.int64)
        lowest = (cosines @ some @ cosines.T).reshape(len(some), BITS)
        # the first is the mean brightness, which says nothing of shapes
        bits = lowest > np.sort(lowest[:, 1:], axis=1)[:, BITS // 2 - 1, None]
        found.append(np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64))
    return np.concatenate(found)


def near_hashes(hashes: Hashes, distance: int = NEAR) -> NDArray[np.int64]:
    """Find all pairs of hashes that differ in few bits.

    Hashes that differ in at most ``d`` bits are equal in at least one of ``d + 1`` blocks of bits, so that only those
    that share a block are compared (Norouzi et al., *Fast Search in Hamming Space with Multi-Index Hashing*, 2012).

    Args:
        hashes: (N,), all different.
        distance: Largest number of bits that differ.

    Returns:
        (K, 2), each row the places ``i < j`` of two hashes; in ascending order, each once.
    """
    found = [np.empty((0, 2), np.int64)]
    for mask in _blocks(distance + 1):
        block = hashes & mask
        order = np.argsort(block, kind="stable")
        starts = np.flatnonzero(np.diff(block[order])) + 1
        for start, stop in pairwise([0, *starts.tolist(), len(order)]):
            if stop - start > 1:
                found.extend(_compared(hashes, order[start:stop], distance))
    return np.unique(np.concatenate(found), axis=0)


def _blocks(count: int) -> Iterator[np.uint64]:
    for start, stop in pairwise([BITS * number // count for number in range(count + 1)]):
        yield np.uint64((1 << stop) - (1 << start))


def _compared(hashes: Hashes, members: NDArray[Any], distance: int) -> Iterator[NDArray[np.int64]]:
    """Find near pairs among some of the hashes, each compared with those behind it."""
    values = hashes[members]
    for start in range(0, len(members), ROWS_AT_ONCE):
        rows, others = values[start : start + ROWS_AT_ONCE], values[start:]
        i, j = np.nonzero(_differing_bits(rows[:, None] ^ others[None, :]) <= distance)
        behind = i < j
        pairs = np.stack([members[start + i[behind]], members[start + j[behind]]], axis=1)
        if len(pairs):
            yield np.sort(pairs, axis=1)


def _differing_bits(difference: Hashes) -> Hashes:
    """Count bits that are set, in parallel (Knuth, *The Art of Computer Programming* 4A, section 7.1.3)."""
    x = difference - ((difference >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: Hashes = (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return counts


def look_alike(one: NDArray[np.uint8], others: Miniatures) -> NDArray[np.bool_]:
    """Tell which miniatures show the same as one, (16, 16), whatever their brightness and contrast."""
    first, steps = _steps(one[None]), _steps(others)
    return np.asarray((steps @ first[0]) >= ALIKE * np.linalg.norm(steps, axis=1) * np.linalg.norm(first))


def _steps(miniatures: Miniatures) -> NDArray[np.float64]:
    """Return differences of neighbours around their mean, (N, 480): unlike values, they tell a sky from another sky."""
    values = miniatures.astype(np.float64)
    both = [np.diff(values, axis=axis).reshape(len(values), -1) for axis in (1, 2)]
    steps = np.concatenate(both, axis=1)
    around: NDArray[np.float64] = steps - steps.mean(axis=1, keepdims=True)
    return around


def alike_groups(miniatures: Miniatures) -> list[list[int]]:
    """Group pictures that look the same, and those that look the same as these, and so on.

    Two look the same if both show enough, their hashes are near and their miniatures alike. Groups are the connected
    components of this relation, and so do not depend on the order of the pictures.

    Args:
        miniatures: (N, 16, 16).

    Returns:
        Places of the members of each group of two or more, in ascending order; groups by their first member.
    """
    chosen = np.flatnonzero(telling(miniatures))
    distinct, inverse, counts = np.unique(hashes_of(miniatures[chosen]), return_inverse=True, return_counts=True)
    near: defaultdict[int, list[int]] = defaultdict(list)
    for i, j in near_hashes(distinct).tolist():
        near[i].append(j)
        near[j].append(i)
    order, ends = chosen[np.argsort(inverse, kind="stable")], np.cumsum(counts)
    crowded = sorted({*np.flatnonzero(counts > 1).tolist(), *near})
    left = {code: order[ends[code] - counts[code] : ends[code]] for code in crowded}
    groups = []
    for code in crowded:
        while len(left[code]):
            first, left[code] = int(left[code][0]), left[code][1:]
            group = _component(first, code, left, near, miniatures)
            if len(group) > 1:
                groups.append(sorted(group))
    return sorted(groups)


def _component(
    first: int, code: int, left: dict[int, NDArray[Any]], near: dict[int, list[int]], miniatures: Miniatures
) -> list[int]:
    """Collect everything that is alike through others, taken from what is left of each hash."""
    group, ahead = [first], [(first, code)]
    while ahead:
        place, at = ahead.pop()
        for other in (at, *near.get(at, ())):
            if len(left[other]):
                alike = look_alike(miniatures[place], miniatures[left[other]])
                found, left[other] = left[other][alike].tolist(), left[other][~alike]
                group += found
                ahead += [(one, other) for one in found]
    return group
