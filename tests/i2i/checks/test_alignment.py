"""A planted shift is found, in either direction and between styles."""

import cv2
import numpy as np
import pytest

from i2i.data.checks.alignment import CLEAR, shift_of
from i2i.data.checks.likeness import Gray


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
    assert shift.response > CLEAR
    assert abs(shift.right - right) < 0.6
    assert abs(shift.down - down) < 0.6


def test_shift_is_in_pixels_of_the_target_where_sizes_differ() -> None:
    source = scene(1)
    target = cv2.resize(np.roll(source, 8, 1), (320, 320), interpolation=cv2.INTER_LINEAR)
    shift = shift_of(source, target)
    assert abs(shift.right - 16) < 1.5
    assert abs(shift.down) < 1.5


def test_unrelated_pictures_have_no_clear_shift() -> None:
    rng = np.random.default_rng(3)
    noise = [rng.random((128, 128)).astype(np.float32) for _ in range(2)]
    assert shift_of(*noise).response < CLEAR
