"""Near pictures: the search finds what comparing each with each finds, and copies are told from other pictures."""

from collections.abc import Callable, Iterator
from itertools import combinations
from random import Random

import cv2
import numpy as np
import pytest
from colour_photographs import PHOTOGRAPHS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from i2i import images
from i2i.images.colour import luma
from i2i.images.near_copies import (
    NEAR,
    Miniatures,
    alike_groups,
    hashes_of,
    look_alike,
    miniature,
    near_hashes,
    telling,
)
from i2i.pairs import Pixels


def picture(seed: int, size: int = 96) -> Pixels:
    """Soft blobs of all sizes, as photographs have them."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.normal(size=(n, n, 3)) / n**0.5, (size, size)) for n in (3, 6, 12, 24)]
    whole = np.sum(layers, axis=0)
    pixels: Pixels = np.rint(255 * (whole - whole.min()) / (whole.max() - whole.min())).astype(np.uint8)
    return pixels


HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20)
FLIPS = st.lists(st.tuples(st.integers(0, 19), st.lists(st.integers(0, 63), max_size=6)), max_size=30)


@settings(deadline=None, max_examples=60)
@given(hashes=HASHES, flips=FLIPS, distance=st.integers(0, 6))
def test_search_finds_what_brute_force_finds(
    hashes: list[int], flips: list[tuple[int, list[int]]], distance: int
) -> None:
    for place, bits in flips:
        hashes = [*hashes, hashes[place % len(hashes)] ^ sum(1 << bit for bit in set(bits))]
    distinct = np.array(sorted(set(hashes)), np.uint64)
    assert near_hashes(distinct, distance).tolist() == brute_force(distinct, distance)


def brute_force(hashes: NDArray[np.uint64], distance: int) -> list[list[int]]:
    """Each with each."""
    near = np.bitwise_count(hashes[:, None] ^ hashes) <= distance
    found: list[list[int]] = np.argwhere(np.triu(near, 1)).tolist()
    return found


def test_search_of_many_with_a_block_in_common_equals_brute_force() -> None:
    rng = np.random.default_rng(0)
    few = np.unique(rng.integers(0, 2**10, 450).astype(np.uint64))  # all other bits are equal
    assert near_hashes(few).tolist() == brute_force(few, NEAR)


def test_no_pictures_are_no_groups() -> None:
    assert alike_groups(np.empty((0, 16, 16), np.uint8)) == []


def recompressed(pixels: Pixels, quality: int = 90) -> Pixels:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def smaller(pixels: Pixels, parts: int) -> Pixels:
    return images.resize(pixels, pixels.shape[0] // parts, pixels.shape[1] // parts)


def photographs() -> list[Pixels]:
    """Parts of real photographs of 240 pixels, no two of one place."""
    found = []
    for photo in PHOTOGRAPHS:
        height, width = (side // 240 for side in photo.shape[:2])
        parts = [photo[240 * y : 240 * y + 240, 240 * x : 240 * x + 240] for y in range(height) for x in range(width)]
        found += parts
    return [np.ascontiguousarray(part) for part in found]


COPIES = {
    "recompressed": lambda p: recompressed(p, 75),
    "half": lambda p: recompressed(smaller(p, 2), 95),
    "third": lambda p: recompressed(smaller(p, 3), 85),
    "quarter": lambda p: recompressed(smaller(p, 4), 90),
    "flatter": lambda p: (p // 2 + 60).astype(np.uint8),
    "16 bits": lambda p: p.astype(np.uint16) * 257,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("shown", ["photographs", "fields"])
def test_copies_look_alike_and_other_pictures_do_not(copied: Callable[[Pixels], Pixels], shown: str) -> None:
    originals = photographs() if shown == "photographs" else [picture(seed, 240) for seed in range(12)]
    originals = [one for one in originals if telling(miniature(one)[None])[0]]
    assert len(originals) >= 12
    miniatures = np.stack([miniature(p) for p in (*originals, *map(copied, originals))])
    count = len(originals)
    groups = alike_groups(miniatures)
    assert all([group[0] + count] == group[1:] for group in groups)
    assert len(groups) >= 0.9 * count


@settings(deadline=None, max_examples=8)
@given(st.randoms(), st.integers(0, 100))
def test_groups_do_not_depend_on_the_order_and_are_the_connected_components(random: Random, seed: int) -> None:
    rng = np.random.default_rng(seed)
    originals = np.stack([miniature(picture(number)) for number in range(4)]).astype(np.float64)
    drawn = [originals[place % 4] + rng.normal(0, 6 + 8 * (place % 3), (16, 16)) for place in range(40)]
    some = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    order = random.sample(range(len(some)), len(some))
    groups = {frozenset(order[place] for place in group) for group in alike_groups(some[order])}
    assert groups == {frozenset(group) for group in alike_groups(some)} == components(some)


def components(miniatures: Miniatures) -> set[frozenset[int]]:
    """What comparing each with each, and merging until nothing overlaps, finds."""
    hashes, shows = hashes_of(miniatures).tolist(), telling(miniatures)
    blocks = [{place} for place in range(len(miniatures))]
    for i, j in combinations(range(len(miniatures)), 2):
        near = (hashes[i] ^ hashes[j]).bit_count() <= NEAR and shows[i] and shows[j]
        if near and look_alike(miniatures[i], miniatures[j : j + 1])[0]:
            first, second = (next(block for block in blocks if place in block) for place in (i, j))
            if first is not second:
                blocks.remove(second)
                first |= second
    return {frozenset(block) for block in blocks if len(block) > 1}


def drawings(kind: str, count: int = 60) -> Iterator[Pixels]:
    """Pictures that are alike without being copies."""
    rng = np.random.default_rng(5)
    for _ in range(count):
        pixels = np.zeros((256, 256, 1), np.uint8)
        x, y, width, height = (int(side) for side in rng.integers(20, 200, 4))
        if kind == "flat":
            pixels[:] = rng.integers(0, 256)
        elif kind == "shadings":
            rows, columns = np.mgrid[:256, :256]
            pixels[..., 0] = np.clip(rows * rng.uniform(0.5, 1) + columns * rng.uniform(0, 0.3), 0, 255)
        elif kind == "dots":
            cv2.circle(pixels, (x, y), 5, 255, -1)
        elif kind == "streets":
            pixels[100 + y // 10 :] = 140
            cv2.rectangle(pixels, (x, 90), (x + width // 4, 90 + height // 4), 220, -1)
        elif kind == "lines":
            pixels[:] = 255
            for ends in rng.integers(20, 236, (8, 4)).tolist():
                cv2.line(pixels, ends[:2], ends[2:], 0, 2)
        else:
            place = int(rng.integers(len(PARTS)))
            top, left = (int(side) for side in rng.integers(0, 60, 2))
            pixels[..., 0] = 255 - cv2.Canny(cv2.resize(PARTS[place], (316, 316)), 100, 200)[top:, left:][:256, :256]
        yield pixels


PARTS = photographs()


@pytest.mark.parametrize("kind", ["flat", "shadings", "dots", "streets", "lines", "edges"])
def test_pictures_that_show_little_are_no_copies_of_each_other(kind: str) -> None:
    assert alike_groups(np.stack([miniature(pixels) for pixels in drawings(kind)])) == []


def test_a_million_like_pixels_decide_by_their_mean() -> None:
    checks = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None]
    assert np.ptp(cv2.resize(checks, (16, 16), interpolation=cv2.INTER_AREA)) == 0
    assert not telling(miniature(checks)[None])[0]


def test_luma_is_that_of_bt_601() -> None:
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    np.testing.assert_allclose(luma(primaries), [[0.299, 0.587, 0.114, 1]], atol=0.5 / 255)
    deep = primaries.astype(np.uint16) * 257
    np.testing.assert_allclose(luma(deep), [[0.299, 0.587, 0.114, 1]], atol=1e-4)
    five = np.array([[[-1, -1, 1, 1, 1]]], np.float32)
    np.testing.assert_allclose(luma(five), [[0.6]], atol=1e-6)
