"""Colour as lightness and ab: there and back without a change, and as others compute it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from i2i.data import lab

EVERY_17TH = np.array(np.meshgrid(*[np.arange(0, 256, 17)] * 3), np.uint8).reshape(3, -1).T.reshape(64, 64, 3)


def test_eight_bit_colours_survive_there_and_back() -> None:
    rng = np.random.default_rng(0)
    for pixels in (EVERY_17TH, rng.integers(0, 256, (200, 300, 3), np.uint8)):
        np.testing.assert_array_equal(lab.join(*lab.split(pixels), np.uint8), pixels)


def test_lightness_and_colours_are_those_of_scikit_image() -> None:
    lightness, colour = lab.split(EVERY_17TH)
    assert (lightness.dtype, colour.dtype) == (np.float32, np.float32)
    expected = rgb2lab(EVERY_17TH)
    np.testing.assert_allclose((lightness[..., 0] + 1) * 50, expected[..., 0], atol=0.02)
    np.testing.assert_allclose(colour * 110, expected[..., 1:], atol=0.02)
    assert np.abs(colour).max() < 0.99


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_has_no_colour(dtype: type) -> None:
    gray: NDArray[Any] = np.linspace(0, np.iinfo(dtype).max, 64).astype(dtype).reshape(8, 8, 1)
    lightness, colour = lab.split(gray)
    assert np.abs(colour).max() < 1e-3
    assert (np.diff(lightness.ravel()) > 0).all()
    assert (lightness.ravel()[0], lightness.ravel()[-1]) == pytest.approx((-1, 1), abs=1e-5)


def test_what_no_screen_can_show_is_cut_off() -> None:
    shown = lab.join(np.full((1, 1, 1), 0.9, np.float32), np.full((1, 1, 2), 1, np.float32), np.uint8)
    assert shown.shape == (1, 1, 3)
    assert shown.max() == 255
