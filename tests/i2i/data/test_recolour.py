"""Changes of colour against their definition, and at their limits."""

from random import Random
from typing import Any

import numpy as np
import pytest

from i2i.data.recolour import recolour
from i2i.pairs import range_of


class Given(Random):
    """Draws what it is given."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self._numbers = iter(numbers)

    def random(self) -> float:
        return next(self._numbers)


def noise(dtype: Any, channels: int = 3) -> Any:
    low, high = range_of(np.dtype(dtype))
    return (low + np.random.default_rng(0).random((6, 5, channels)) * (high - low)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_nothing_changes_at_factors_of_one(dtype: Any, channels: int) -> None:
    image = noise(dtype, channels)
    np.testing.assert_allclose(recolour(image, 0.4, Given(0.5, 0.5, 0.5)), image, rtol=0, atol=1e-6)


def test_brightness_multiplies_and_is_cut_off_at_the_limit() -> None:
    image = np.array([[[10], [200]]], np.uint8)
    assert recolour(image, 0.5, Given(1.0, 0.5, 0.5)).ravel().tolist() == [15, 255]
    assert recolour(image, 1.0, Given(0.0, 0.5, 0.5)).ravel().tolist() == [0, 0]


def test_contrast_scales_distances_from_the_mean_and_keeps_it() -> None:
    image = np.array([[[-0.5], [0.1]]], np.float32)
    np.testing.assert_allclose(recolour(image, 0.5, Given(0.5, 0.0, 0.5)).ravel(), [-0.35, -0.05], atol=1e-6)


def test_without_saturation_all_channels_are_the_luma() -> None:
    image = np.array([[[100, 50, 200]]], np.uint8)
    assert recolour(image, 1.0, Given(0.5, 0.5, 0.0)).ravel().tolist() == [82, 82, 82]  # 29.9 + 29.35 + 22.8
