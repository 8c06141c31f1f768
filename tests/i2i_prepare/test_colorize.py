"""Lightness is CIE's, luma that of ITU-R BT.601, and gray photographs are told from coloured ones."""

from typing import Any, Literal

import kornia
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import color, data

from i2i.errors import DataError
from i2i.images.colour import lightness, rough_lab
from i2i.pairs import Pixels, SkipError
from i2i_prepare.colorize import Colorize, Grayscale


def all_colours() -> Pixels:
    """Colours from all over the cube, as an image."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube: Pixels = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, len(steps), 3)
    return cube


def kornia_lightness(photo: Pixels) -> NDArray[np.float32]:
    rgb = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    values: NDArray[np.float32] = kornia.color.rgb_to_lab(rgb)[0, :1].permute(1, 2, 0).numpy()
    return values


def test_lightness_is_that_of_scikit_image_and_of_kornia() -> None:
    photo = all_colours()
    np.testing.assert_allclose(lightness(photo), color.rgb2lab(photo)[..., :1], atol=2e-3)
    np.testing.assert_allclose(lightness(photo), kornia_lightness(photo), atol=2e-3)
    np.testing.assert_allclose(lightness((photo / 127.5 - 1).astype(np.float32)), lightness(photo), atol=1e-4)


def test_rough_lab_is_near_that_of_scikit_image() -> None:
    photo = all_colours()
    np.testing.assert_allclose(rough_lab(photo), color.rgb2lab(photo), atol=0.5)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_source_is_the_lightness_of_the_target_stretched_to_its_depth(dtype: type[np.generic], top: int) -> None:
    photo = (data.astronaut()[:96, 100:220].astype(np.uint32) * (top // 255)).astype(dtype)
    source, target = Colorize(size=64)(photo)
    assert source.shape == (64, 64, 1)
    assert source.dtype == target.dtype == dtype
    expected = color.rgb2lab(target / top)[..., :1] / 100 * top
    assert np.abs(source - expected).max() <= 0.5 + 2e-5 * top


def test_tolerance_is_the_largest_difference_of_channels() -> None:
    tinted = np.full((32, 32, 3), 100, np.uint16) * np.uint16(257)
    tinted[3, 4, 1] += 6 * 257
    with pytest.raises(SkipError):
        Colorize(size=32, tolerance=6)(tinted)
    assert Colorize(size=32, tolerance=5.9)(tinted).target[3, 4, 1] == 106 * 257


@pytest.mark.parametrize("channels", [1, 3])
def test_source_is_the_luma_of_the_target(channels: Literal[1, 3]) -> None:
    photo = data.astronaut()[:64, 100:164]
    source, target = Grayscale(size=64, channels=channels)(photo)
    assert source.shape == (64, 64, channels)
    np.testing.assert_array_equal(target, photo)
    expected = np.asarray(Image.fromarray(target).convert("L")).astype(int)
    for channel in range(channels):
        assert np.abs(source[..., channel] - expected).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_depth_of_grayscale_is_kept(dtype: type[np.generic]) -> None:
    photo = np.zeros((32, 32, 3), dtype)
    photo[..., 1] = 1
    source, target = Grayscale(size=32)(photo * dtype(1))
    assert source.dtype == target.dtype == dtype
    assert source.max() == pytest.approx(round(0.587) if dtype is np.uint16 else 0.587, rel=1e-6)


@pytest.mark.parametrize("preparer", [Colorize(size=32, tolerance=0), Grayscale(size=32)])
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_photographs_are_skipped_however_they_are_stored(preparer: Any, channels: int) -> None:
    with pytest.raises(SkipError, match="is gray") as caught:
        preparer(data.camera()[:40, :40, None].repeat(channels, 2))
    assert caught.value.reason == "gray"


@pytest.mark.parametrize("preparer", [Colorize(), Grayscale()])
def test_other_channels_are_refused(preparer: Any) -> None:
    with pytest.raises(DataError, match="4 channels"):
        preparer(np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8))
