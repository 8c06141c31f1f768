"""Near pictures: the search finds what comparing each with each finds, and copies are told from other pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i import images
from i2i.data.checks.likeness import NEAR, alike_groups, fingerprint, luma, near_hashes
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
    distinct = sorted(set(hashes))
    expected = [
        [i, j]
        for i in range(len(distinct))
        for j in range(i + 1, len(distinct))
        if (distinct[i] ^ distinct[j]).bit_count() <= distance
    ]
    assert near_hashes(np.array(distinct, np.uint64), distance).tolist() == expected


def test_search_of_many_with_a_block_in_common_equals_brute_force() -> None:
    rng = np.random.default_rng(0)
    few = np.unique(rng.integers(0, 2**11, 900).astype(np.uint64))  # all other bits are equal
    expected = [
        [i, j]
        for i in range(len(few))
        for j in range(i + 1, len(few))
        if (int(few[i]) ^ int(few[j])).bit_count() <= NEAR
    ]
    assert near_hashes(few).tolist() == expected


def test_no_pictures_are_no_groups() -> None:
    assert alike_groups(np.empty(0, np.uint64), np.empty((0, 16, 16), np.uint8)) == []


def recompressed(pixels: Pixels) -> Pixels:
    return images.read(images.encode(pixels, ".jpg")).pixels


@pytest.mark.parametrize(
    "copied",
    [
        recompressed,
        lambda p: images.resize(p, 48, 60),
        lambda p: (p // 2 + 60).astype(np.uint8),
        lambda p: p.astype(np.uint16) * 257,
    ],
    ids=["recompressed", "resized", "flatter", "16 bits"],
)
def test_copies_look_alike_and_other_pictures_do_not(copied: object) -> None:
    assert callable(copied)
    originals = [picture(seed) for seed in range(12)]
    prints = [fingerprint(p) for p in (*originals, *map(copied, originals))]
    hashes, miniatures = np.array([h for h, _ in prints], np.uint64), np.stack([m for _, m in prints])
    assert alike_groups(hashes, miniatures) == [[place, place + 12] for place in range(12)]


def test_equal_hashes_of_unlike_miniatures_are_no_group() -> None:
    shown = np.stack([fingerprint(picture(seed))[1] for seed in (0, 1)])
    assert alike_groups(np.array([7, 7], np.uint64), shown) == []


def test_luma_is_that_of_bt_601() -> None:
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    np.testing.assert_allclose(luma(primaries), [[0.299, 0.587, 0.114, 1]], atol=0.5 / 255)
    deep = primaries.astype(np.uint16) * 257
    np.testing.assert_allclose(luma(deep), [[0.299, 0.587, 0.114, 1]], atol=1e-4)
    five = np.array([[[-1, -1, 1, 1, 1]]], np.float32)
    np.testing.assert_allclose(luma(five), [[0.6]], atol=1e-6)
