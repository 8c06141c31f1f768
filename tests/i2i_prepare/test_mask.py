"""The background goes where opacity or a matte says so, and nowhere else."""

from typing import Any

import numpy as np
import pytest
from skimage import data

from i2i.errors import DataError
from i2i.pairs import Pixels, SkipError
from i2i_prepare.mask import Mask

SIDE = 40


def photo() -> Pixels:
    picture: Pixels = data.astronaut()[60 : 60 + SIDE, 200 : 200 + SIDE]
    return picture


def matte(dtype: Any = np.uint8) -> Pixels:
    """Opaque on the left, transparent on the right, half of it between."""
    top = float(np.iinfo(dtype).max)
    row = np.repeat([top, top, round(top / 2), 0], SIDE // 4).astype(dtype)
    return np.broadcast_to(row[None, :, None], (SIDE, SIDE, 1)).copy()


def test_source_is_the_photograph_and_target_lies_on_the_background() -> None:
    source, target = Mask(size=SIDE, background="#0000ff")(photo(), matte())
    np.testing.assert_array_equal(source, photo())
    np.testing.assert_array_equal(target[:, :20], photo()[:, :20])
    assert (target[:, 30:] == (0, 0, 255)).all()
    half = photo()[:, 20:30] * (128 / 255) + np.array([0, 0, 255]) * (127 / 255)
    np.testing.assert_allclose(target[:, 20:30], half, atol=0.51)


def test_its_own_opacity_says_the_same_as_a_matte() -> None:
    with_matte, with_alpha = Mask(size=SIDE)(photo(), matte()), Mask(size=SIDE)(np.dstack([photo(), matte()]))
    for a, b in zip(with_matte, with_alpha, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_matte_has_precedence_over_opacity_and_may_be_in_colour() -> None:
    opaque = np.full((SIDE, SIDE, 1), 255, np.uint8)
    expected = Mask(size=SIDE)(photo(), matte()).target
    found = Mask(size=SIDE)(np.dstack([photo(), opaque]), matte().repeat(3, 2)).target
    np.testing.assert_array_equal(found, expected)


def test_a_matte_may_be_a_cutout_or_have_an_opacity_that_says_nothing() -> None:
    expected = Mask(size=SIDE)(photo(), matte()).target
    cutout = np.dstack([photo(), matte()])
    useless = np.dstack([matte(), np.full((SIDE, SIDE), 255, np.uint8)])
    np.testing.assert_array_equal(Mask(size=SIDE)(photo(), cutout).target, expected)
    np.testing.assert_array_equal(Mask(size=SIDE)(photo(), useless).target, expected)


def test_depths_of_photograph_and_matte_may_differ() -> None:
    deep = photo().astype(np.uint16) * np.uint16(257)
    source, target = Mask(size=SIDE)(deep, matte(np.uint8))
    assert source.dtype == target.dtype == np.uint16
    np.testing.assert_array_equal(target, Mask(size=SIDE)(deep, matte(np.uint8) * np.uint16(257)).target)
    assert (target[:, 30:] == 65535).all()


def test_gray_with_opacity_stays_gray() -> None:
    source, target = Mask(size=SIDE, background="black")(np.dstack([photo()[..., :1], matte()]))
    assert source.shape == target.shape == (SIDE, SIDE, 1)
    assert (target[:, 30:] == 0).all()


def test_colours_under_transparent_pixels_do_not_bleed_into_the_edge() -> None:
    garish = np.zeros((64, 64, 3), np.uint8)
    garish[:, 31:] = (0, 255, 0)  # what is under the transparent part
    opacity = np.zeros((64, 64, 1), np.uint8)
    opacity[:, :31] = 255
    target = Mask(size=16)(garish, opacity).target
    assert (target[..., 0] == target[..., 1]).all()  # black to white, and never green


def test_padding_has_the_background_on_both_sides() -> None:
    wide = np.hstack([photo(), photo()])
    for half in Mask(size=SIDE, fit="pad", background="#0a141e")(wide, np.hstack([matte(), matte()])):
        assert half.shape == (SIDE, SIDE, 3)
        assert (half[:10] == (10, 20, 30)).all()


def test_what_has_no_foreground_to_be_told_is_refused() -> None:
    with pytest.raises(DataError, match="no transparency and no matte"):
        Mask()(photo())
    with pytest.raises(DataError, match="6 channels has no background"):
        Mask()(np.zeros((20, 20, 6), np.uint8))


@pytest.mark.parametrize(("value", "reason"), [(255, "opaque"), (0, "empty")])
def test_all_or_nothing_is_skipped(value: int, reason: str) -> None:
    with pytest.raises(SkipError) as caught:
        Mask()(photo(), np.full((SIDE, SIDE, 1), value, np.uint8))
    assert caught.value.reason == reason


def test_a_matte_of_another_size_is_refused_unless_it_may_be_resized() -> None:
    small = matte()[::2, ::2]
    with pytest.raises(DataError, match="The photograph is 40x40 and its matte 20x20"):
        Mask()(photo(), small)
    target = Mask(size=SIDE, resize_matte=True)(photo(), small).target
    assert (target[:, 35:] == 255).all()
    np.testing.assert_array_equal(target[:, :15], photo()[:, :15])
