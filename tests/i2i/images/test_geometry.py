from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from i2i.errors import UsageError
from i2i.images.geometry import Fit, fit, flip, inside, resize
from i2i.pairs import range_of

DTYPES = (np.uint8, np.uint16, np.float32)
WAYS: tuple[Fit, ...] = ("crop", "stretch", "pad")


def noise(height: int, width: int, channels: int, dtype: Any = np.uint8) -> NDArray[Any]:
    low, high = range_of(np.dtype(dtype))
    return np.random.default_rng(0).uniform(low, high, (height, width, channels)).astype(dtype)


def area_weights(old: int, new: int) -> NDArray[np.float64]:
    """Share of each old pixel in each new one, (new, old): the overlap of their intervals on the axis."""
    edges = np.linspace(0, old, new + 1)
    overlap = [[min(b, i + 1) - max(a, i) for i in range(old)] for a, b in pairwise(edges)]
    weights = np.clip(np.array(overlap, dtype=np.float64), 0, None)
    return weights * new / old


def cubic_weights(old: int, new: int, a: float = -0.75) -> NDArray[np.float64]:
    """Keys 1981, equation 4, with half-pixel centres and the border pixel repeated, (new, old)."""
    weights = np.zeros((new, old))
    for row in range(new):
        centre = (row + 0.5) * old / new - 0.5
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            s = abs(centre - tap)
            near, far = (a + 2) * s**3 - (a + 3) * s**2 + 1, a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a
            weights[row, min(max(tap, 0), old - 1)] += near if s <= 1 else far
    return weights


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (5, 17, area_weights, area_weights),
        (19, 40, area_weights, cubic_weights),
        (45, 7, cubic_weights, area_weights),
        (33, 31, cubic_weights, cubic_weights),
        (29, 12, lambda old, new: np.eye(old), area_weights),
        (64, 23, cubic_weights, lambda old, new: np.eye(old)),
    ],
)
def test_an_axis_that_shrinks_is_averaged_and_one_that_grows_is_cubic(
    height: int, width: int, rows: Any, columns: Any
) -> None:
    pixels = noise(29, 23, 3, np.float32)
    expected = np.einsum("ai,bj,ijc->abc", rows(29, height), columns(23, width), pixels)
    np.testing.assert_allclose(resize(pixels, height, width), np.clip(expected, -1, 1), atol=2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 13, 130])
def test_channels_and_dtype_are_kept(channels: int, dtype: Any) -> None:
    pixels = noise(11, 8, channels, dtype)
    resized = resize(pixels, 7, 12)
    assert (resized.shape, resized.dtype) == ((7, 12, channels), dtype)
    alone = np.dstack([resize(pixels[..., i : i + 1], 7, 12) for i in range(channels)])
    np.testing.assert_allclose(resized.astype(float), alone.astype(float), atol=1e-5 if dtype == np.float32 else 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(5, 5), (8, 8), (13, 27), (21, 3)])
def test_a_flat_image_stays_flat(size: tuple[int, int], dtype: Any) -> None:
    low, high = range_of(np.dtype(dtype))
    pixels = np.full((8, 8, 2), low + 0.7 * (high - low)).astype(dtype)
    np.testing.assert_allclose(resize(pixels, *size), pixels[0, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_overshoot_is_cut_off_at_the_limits_of_the_dtype(dtype: Any) -> None:
    low, high = range_of(np.dtype(dtype))
    step = np.full((4, 8, 1), low).astype(dtype)
    step[:, 4:] = high
    grown = resize(step, 4, 64)[0, :, 0]
    assert (grown.min(), grown.max()) == (low, high)
    assert (grown[:20] == low).all()
    assert (grown[-20:] == high).all()


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_detail_finer_than_a_pixel_turns_into_its_mean(factor: int) -> None:
    checkerboard = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    np.testing.assert_allclose(resize(checkerboard, 64 // factor, 64 // factor), 127.5, atol=0.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_size_gives_an_equal_copy(dtype: Any) -> None:
    pixels = noise(6, 9, 3, dtype)
    for same in (resize(pixels, 6, 9), fit(pixels, (6, 9), "crop"), fit(pixels, (6, 9), "pad")):
        np.testing.assert_array_equal(same, pixels)
        assert not np.shares_memory(same, pixels)


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, -1)])
def test_a_size_that_is_not_positive_is_refused(height: int, width: int) -> None:
    with pytest.raises(UsageError, match=rf"cannot be {height}x{width}"):
        resize(noise(4, 4, 1), height, width)


def test_a_dtype_that_images_never_have_is_refused() -> None:
    with pytest.raises(TypeError, match="not float64"):
        resize(np.zeros((4, 4, 1)), 2, 2)


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(WAYS),
    st.sampled_from(DTYPES),
)
def test_every_way_to_fit_gives_exactly_the_size_asked_for(
    height: int, width: int, new_height: int, new_width: int, how: Fit, dtype: Any
) -> None:
    fitted = fit(noise(height, width, 2, dtype), (new_height, new_width), how)
    low, high = range_of(np.dtype(dtype))
    assert (fitted.shape, fitted.dtype) == ((new_height, new_width, 2), dtype)
    assert low <= fitted.min() <= fitted.max() <= high


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 500), st.integers(1, 500))
def test_inside_fills_one_axis_and_keeps_the_aspect_ratio_to_the_pixel(h: int, w: int, max_h: int, max_w: int) -> None:
    new_h, new_w = inside(h, w, max_h, max_w)
    assert 1 <= new_h <= max_h
    assert 1 <= new_w <= max_w
    scale = min(Fraction(max_h, h), Fraction(max_w, w))
    assert abs(new_h - max(Fraction(1), h * scale)) <= Fraction(1, 2)
    assert abs(new_w - max(Fraction(1), w * scale)) <= Fraction(1, 2)


def test_crop_keeps_the_centre_at_its_aspect_ratio() -> None:
    pixels = noise(20, 50, 3)
    np.testing.assert_array_equal(fit(pixels, 10, "crop"), resize(pixels[:, 15:35], 10, 10))
    np.testing.assert_array_equal(fit(pixels, (10, 50), "crop"), pixels[5:15])


def test_crop_shows_the_same_part_at_every_size() -> None:
    pixels = noise(33, 47, 1)
    np.testing.assert_array_equal(fit(pixels, 11, "crop"), resize(fit(pixels, 33, "crop"), 11, 11))


def test_stretch_keeps_everything() -> None:
    pixels = noise(20, 50, 3)
    np.testing.assert_array_equal(fit(pixels, 25, "stretch"), resize(pixels, 25, 25))


@pytest.mark.parametrize("dtype", DTYPES)
def test_pad_puts_white_around_the_whole_image(dtype: Any) -> None:
    pixels = noise(10, 20, 3, dtype)
    padded = fit(pixels, 20, "pad")
    np.testing.assert_array_equal(padded[5:15], pixels)
    outside = np.concatenate([padded[:5], padded[15:]])
    assert (outside == range_of(np.dtype(dtype))[1]).all()


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("dtype", [*DTYPES, np.int64])
def test_left_and_right_are_exchanged_for_every_dtype_and_count_of_channels(dtype: Any, channels: int) -> None:
    pixels = np.arange(9 * 8 * channels).reshape(9, 8, channels).astype(dtype)[1:7, 2:]
    np.testing.assert_array_equal(flip(pixels), pixels[:, ::-1])
