"""Photographs and their brightness."""

from typing import Literal

import numpy as np
import pytest
from PIL import Image
from skimage import data

from i2i.errors import DataError
from i2i.pairs import SkipError
from i2i_prepare.colorize import Grayscale


@pytest.mark.parametrize("channels", [1, 3])
def test_source_is_the_luma_of_the_target(channels: Literal[1, 3]) -> None:
    photo = data.astronaut()[:96, 100:220]
    source, target = Grayscale(size=64, channels=channels)(photo)
    assert source.shape == (64, 64, channels)
    assert target.shape == (64, 64, 3)
    expected = np.asarray(Image.fromarray(target).convert("L")).astype(int)
    for channel in range(channels):
        assert np.abs(source[..., channel] - expected).max() <= 1


def test_photograph_of_that_size_is_the_target() -> None:
    photo = data.astronaut()[:64, :64]
    np.testing.assert_array_equal(Grayscale(size=64)(photo).target, photo)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_depth_is_kept(dtype: type[np.generic]) -> None:
    photo = np.zeros((32, 32, 3), dtype)
    photo[..., 1] = 1
    source, target = Grayscale(size=32)(photo * dtype(1))
    assert source.dtype == target.dtype == dtype
    assert source.max() == pytest.approx(round(0.587) if dtype is np.uint16 else 0.587, rel=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_photograph_is_skipped_however_it_is_stored(channels: int) -> None:
    gray = data.camera()[:32, :32, None].repeat(channels, axis=2)
    with pytest.raises(SkipError, match="is gray") as caught:
        Grayscale()(gray)
    assert caught.value.reason == "gray"


def test_other_channels_are_refused() -> None:
    with pytest.raises(DataError, match="4 channels"):
        Grayscale()(np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8))
