"""Less detail, of the kind that was asked for."""

import math
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data, transform

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.options import build
from i2i.pairs import Pixels, SkipError
from i2i_prepare.downscale import Downscale


def photo(size: int = 96) -> Pixels:
    picture: Pixels = data.astronaut()[:size, 150 : 150 + size]
    return picture


def small(source: Pixels, factor: int) -> Pixels:
    """What was enlarged by ``upscale=nearest``."""
    reduced = source[::factor, ::factor]
    np.testing.assert_array_equal(source, reduced.repeat(factor, 0).repeat(factor, 1))
    return reduced


def keys_matrix(old: int, new: int) -> NDArray[np.float64]:
    """Keys 1981 with a = -0.5, widened by the scale, as MATLAB documents its ``imresize``."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    s = np.abs(centres[:, None] - np.arange(old)) / scale
    near, far = 1.5 * s**3 - 2.5 * s**2 + 1, -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2
    weights: NDArray[np.float64] = np.where(s <= 1, near, np.where(s <= 2, far, 0))
    weights /= weights.sum(1, keepdims=True)
    return weights


@pytest.mark.parametrize("factor", [2, 3])
def test_area_is_the_mean_of_the_pixels_that_are_covered(factor: int) -> None:
    source, target = Downscale(size=96, factor=factor, method="area", upscale="nearest")(photo())
    np.testing.assert_array_equal(target, photo())
    expected = transform.downscale_local_mean(photo(), (factor, factor, 1))
    np.testing.assert_allclose(small(source, factor), expected, atol=0.51)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cubic_is_matlabs(dtype: Any) -> None:
    picture = photo().astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    source, _ = Downscale(size=96, factor=4, upscale="nearest")(picture)
    matrix = keys_matrix(96, 24)
    expected = np.clip(np.einsum("ih,jw,hwc->ijc", matrix, matrix, picture.astype(float)), 0, np.iinfo(dtype).max)
    np.testing.assert_allclose(small(source, 4), expected, atol=0.51)
    assert source.dtype == dtype


def test_upscaling_by_cubic_is_that_of_geometry() -> None:
    repeated = Downscale(size=96, upscale="nearest")(photo()).source
    smooth = Downscale(size=96, upscale="cubic")(photo()).source
    np.testing.assert_array_equal(smooth, geometry.resize(small(repeated, 4), 96, 96))


def test_blur_spreads_a_point_as_a_gaussian_does() -> None:
    point = np.full((64, 64, 1), -1, np.float32)
    point[31:33, 31:33] = 1
    source, _ = Downscale(size=64, factor=2, method="area", upscale="nearest", blur=4)(point)
    y, x = np.indices((32, 32)) * 2 + 0.5 - 31.5
    expected = 8 * np.exp(-(y**2 + x**2) / 32) / (2 * math.pi * 16)
    np.testing.assert_allclose(small(source, 2)[..., 0] + 1, expected, atol=3e-3)


def test_noise_has_the_deviation_that_was_asked_for_and_follows_from_the_seed() -> None:
    gray = np.full((128, 128, 3), 128, np.uint8)
    sources = [
        small(Downscale(size=128, factor=2, upscale="nearest", noise=6, seed=seed)(gray).source, 2).astype(int)
        for seed in (0, 0, 1)
    ]
    assert sources[0].std() == pytest.approx(6, rel=0.05)
    assert sources[0].mean() == pytest.approx(128, abs=0.4)
    np.testing.assert_array_equal(sources[0], sources[1])
    assert (sources[0] != sources[2]).mean() > 0.8


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_that_of_a_file(channels: int) -> None:
    picture = photo()[..., :channels]
    clean = small(Downscale(size=96, factor=2, upscale="nearest")(picture).source, 2)
    found = small(Downscale(size=96, factor=2, upscale="nearest", jpeg=30)(picture).source, 2)
    bgr = cv2.cvtColor(clean, cv2.COLOR_RGB2BGR) if channels == 3 else clean
    file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    stored = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB if channels == 3 else cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(found, np.asarray(stored).reshape(found.shape))
    assert (found != clean).any()
    with pytest.raises(DataError, match="of uint16"):
        Downscale(size=96, jpeg=50)(picture.astype(np.uint16))


@pytest.mark.parametrize("upscale", ["cubic", "nearest"])
def test_channels_depth_and_size_are_those_of_the_target(upscale: Literal["cubic", "nearest"]) -> None:
    many = np.random.default_rng(0).uniform(-1, 1, (40, 50, 6)).astype(np.float32)
    source, target = Downscale(size=32, upscale=upscale, blur=1, noise=3)(many)
    assert source.shape == target.shape == (32, 32, 6)
    assert source.dtype == target.dtype == np.float32
    assert np.abs(source).max() <= 1


@pytest.mark.parametrize(
    ("fit", "height", "width", "taken"),
    [("crop", 95, 200, False), ("crop", 96, 96, True), ("pad", 95, 96, True), ("pad", 95, 95, False)],
)
def test_photographs_that_would_be_enlarged_are_skipped(
    fit: geometry.Fit, height: int, width: int, taken: bool
) -> None:
    preparer, picture = Downscale(size=96, fit=fit), np.zeros((height, width, 3), np.uint8)
    if taken:
        assert preparer(picture).target.shape == (96, 96, 3)
        return
    with pytest.raises(SkipError, match=f"{width}x{height}, smaller than the target") as caught:
        preparer(picture)
    assert caught.value.reason == "too-small"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 100, "factor": 8}, r"size \(100\) is not a multiple of factor \(8\). Set it to 96"),
        ({"factor": 1}, "greater than or equal to 2"),
        ({"jpeg": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Downscale, options=options, owner="preparer 'downscale'")
