"""A planted shift is found, in either direction and between styles."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from skimage import data

from i2i.images.colour import Gray, luma
from i2i.images.shift import shift_of


def scene(seed: int, size: int = 160) -> Gray:
    rng = np.random.default_rng(seed)
    canvas = np.full((size, size), 0.9, np.float32)
    for _ in range(14):
        x, y, w, h = (int(v) for v in rng.integers(5, size - 40, 4))
        cv2.rectangle(canvas, (x, y), (x + w // 4 + 5, y + h // 4 + 5), float(rng.uniform(0, 0.8)), -1)
    return canvas


@pytest.mark.parametrize(("right", "down"), [(0, 0), (7, 0), (0, -5), (-9, 12)])
def test_planted_shift_is_found_between_a_picture_and_its_negative(right: int, down: int) -> None:
    source = scene(0)
    target = 1 - np.roll(source, (down, right), (0, 1)) * 0.7
    shift = shift_of(source, target)
    assert shift.clear
    assert abs(shift.right - right) < 0.6
    assert abs(shift.down - down) < 0.6


def test_shift_is_in_pixels_of_the_target_where_sizes_differ() -> None:
    source = scene(1)
    target = cv2.resize(np.roll(source, 8, 1), (320, 320), interpolation=cv2.INTER_LINEAR)
    shift = shift_of(source, target)
    assert abs(shift.right - 16) < 1.5
    assert abs(shift.down) < 1.5


PHOTOGRAPHS = [
    luma(np.atleast_3d(photo))
    for photo in (data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), data.coins(), data.moon())
]


def part(photo: Gray, size: int, rng: np.random.Generator) -> Gray:
    """A square of a photograph, from anywhere, at a size."""
    side = int(min(photo.shape) * rng.uniform(0.5, 1))
    top, left = (int(rng.integers(length - side + 1)) for length in photo.shape)
    return cv2.resize(photo[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_unrelated_photographs_and_noise_have_no_clear_shift(size: int) -> None:
    rng = np.random.default_rng(size)
    for first, second in combinations(PHOTOGRAPHS, 2):
        for _ in range(256 // size):  # as many comparisons at each size cost the same
            shift = shift_of(part(first, size, rng), part(second, size, rng))
            assert not shift.clear, shift
        assert not shift_of(*rng.random((2, size, size)).astype(np.float32)).clear


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_planted_shift_is_clear_between_a_photograph_and_its_negative(size: int) -> None:
    rng, moved = np.random.default_rng(size), size // 16
    for photo in PHOTOGRAPHS:
        whole = part(photo, size + moved, rng)
        shift = shift_of(whole[moved:, moved:], 1 - 0.7 * whole[:-moved, moved:])
        assert shift.clear
        assert (shift.right, shift.down) == pytest.approx((0, moved), abs=0.3)


@pytest.mark.parametrize("size", [128, 256])
def test_planted_shift_is_mostly_clear_between_a_photograph_and_its_edges(size: int) -> None:
    rng, moved = np.random.default_rng(size), size // 16
    found = []
    for photo in PHOTOGRAPHS:
        whole = part(photo, size + moved, rng)
        edges = cv2.Canny(np.rint(whole * 255).astype(np.uint8), 80, 160).astype(np.float32) / 255
        shift = shift_of(edges[moved:, moved:], whole[:-moved, moved:])
        found.append(shift.clear)
        assert not shift.clear or (shift.right, shift.down) == pytest.approx((0, moved), abs=1)
    assert sum(found) >= 5


def test_plain_and_thin_pictures_have_no_clear_shift() -> None:
    for shape in ((64, 64), (1, 64), (2, 2)):
        assert not shift_of(np.zeros(shape, np.float32), np.zeros(shape, np.float32)).clear
