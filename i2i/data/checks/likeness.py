"""Pictures that look the same: a fingerprint of each, and all pairs of near ones without comparing each with each."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.pairs import Pixels, range_of

Hashes = NDArray[np.uint64]

Gray = NDArray[Any]
"""Brightness of a picture, (H, W) float32 in 0..1."""

BITS = 64
NEAR = 4
"""Most bits by which the hashes of two pictures that look the same may differ; recompressed copies differ by 0 to 2."""

ALIKE = 0.98
"""Least correlation of the miniatures of two pictures that look the same."""

MINIATURE = 16
"""Height and width of the miniature that confirms what the hashes suggest."""

SIDE = 32  # of the picture whose frequencies are hashed
LOWEST = 8  # frequencies each way
ROWS_AT_ONCE = 256  # bounds the memory of a comparison


def luma(pixels: Pixels) -> Gray:
    """Brightness of an image of any type and channels, (H, W, C).

    Of three channels it is that of ITU-R BT.601, .299 R + .587 G + .114 B; of any other number it is their mean.
    """
    return _in_unit(_brightness(pixels), pixels)


def _brightness(pixels: Pixels) -> NDArray[Any]:
    """What `luma` is of, in the units of the image."""
    if pixels.shape[2] == 3:  # of 8 bits, OpenCV rounds to one of 256 levels, which is many times as fast
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels.mean(axis=2, dtype=np.float32)


def _in_unit(values: NDArray[Any], pixels: Pixels) -> Gray:
    """Values in the units of an image, as float32 in 0..1."""
    low, high = range_of(pixels.dtype)
    scaled: Gray = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return scaled


def fingerprint(pixels: Pixels) -> tuple[int, NDArray[np.uint8]]:
    """Perceptual hash and miniature of a picture, (H, W, C).

    The hash has a bit for each of the 64 lowest frequencies of the cosine transform of the picture at 32x32: whether it
    is above their median (Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010).

    Returns:
        The hash, and the picture at 16x16 with its own darkest value as 0 and its lightest as 255.
    """
    gray = _brightness(pixels).astype(np.float32)
    small = _in_unit(cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA), pixels)
    lowest = cv2.dct(small)[:LOWEST, :LOWEST].ravel()
    # the first is the mean brightness, which says nothing of shapes
    bits = lowest > np.sort(lowest[1:])[len(lowest) // 2 - 1]
    number = int.from_bytes(np.packbits(bits).tobytes())
    tiny = cv2.resize(small, (MINIATURE, MINIATURE), interpolation=cv2.INTER_AREA)
    return number, np.asarray(cv2.normalize(tiny, tiny, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U), np.uint8)


def near_hashes(hashes: Hashes, distance: int = NEAR) -> NDArray[np.int64]:
    """All pairs of hashes that differ in few bits.

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
    """Near pairs among some of the hashes, each compared with those behind it."""
    values = hashes[members]
    for start in range(0, len(members), ROWS_AT_ONCE):
        rows, others = values[start : start + ROWS_AT_ONCE], values[start:]
        i, j = np.nonzero(_differing_bits(rows[:, None] ^ others[None, :]) <= distance)
        behind = i < j
        pairs = np.stack([members[start + i[behind]], members[start + j[behind]]], axis=1)
        yield np.sort(pairs, axis=1)


def _differing_bits(difference: Hashes) -> Hashes:
    """Bits that are set, counted in parallel (Knuth, *The Art of Computer Programming* 4A, section 7.1.3)."""
    x = difference - ((difference >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: Hashes = (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return counts


def look_alike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether two miniatures show the same, whatever their brightness and contrast."""
    a, b = (miniature.astype(np.float64) - miniature.mean() for miniature in (first, second))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return norm > 0 and float((a * b).sum()) >= ALIKE * norm


def alike_groups(hashes: Hashes, miniatures: NDArray[np.uint8]) -> list[list[int]]:
    """Groups of pictures that look the same: near by their hashes, confirmed by their miniatures.

    Args:
        hashes: (N,).
        miniatures: (N, 16, 16).

    Returns:
        Places of the members of each group of two or more, in ascending order.
    """
    distinct, inverse = np.unique(hashes, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1) if len(order) else []
    parent = list(range(len(hashes)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def join(first: int, second: int) -> None:
        if look_alike(miniatures[first], miniatures[second]):
            low, high = sorted((root(first), root(second)))
            parent[high] = low

    for group in members:
        for place in group[1:].tolist():
            join(int(group[0]), place)
    for i, j in near_hashes(distinct).tolist():
        join(int(members[i][0]), int(members[j][0]))
    groups: dict[int, list[int]] = {}
    for place in range(len(hashes)):
        groups.setdefault(root(place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]
