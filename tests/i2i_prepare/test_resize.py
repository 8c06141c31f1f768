"""Sizes are as asked for, and nothing else of an image changes."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.options import build
from i2i.pairs import Pixels, SkipError
from i2i_prepare.resize import Resize

OWNER = "preparer 'resize'"
Fits = Literal["crop", "stretch", "pad", "inside"]


def photo(height: int = 60, width: int = 90) -> Pixels:
    picture: Pixels = data.chelsea()[:height, :width]
    return picture


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_a_size_is_that_of_geometry(fit: geometry.Fit) -> None:
    np.testing.assert_array_equal(Resize(size=40, fit=fit)(photo()), geometry.fit(photo(), 40, fit))
    np.testing.assert_array_equal(Resize(width=50, height=20, fit=fit)(photo()), geometry.fit(photo(), (20, 50), fit))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"width": 45}, (30, 45)),
        ({"height": 45}, (45, 68)),
        ({"size": 45, "fit": "inside"}, (30, 45)),
        ({"width": 100, "height": 20, "fit": "inside"}, (20, 30)),
        ({"multiple": 16}, (48, 80)),
        ({"height": 45, "multiple": 8}, (40, 64)),
        ({"size": 45, "fit": "inside", "multiple": 4}, (28, 44)),
    ],
)
def test_proportions_are_kept_where_they_can_be(options: dict[str, Any], shape: tuple[int, int]) -> None:
    assert Resize(**options)(photo()).shape == (*shape, 3)


@given(st.integers(8, 64), st.integers(8, 64), st.integers(1, 80), st.integers(1, 80), st.integers(1, 8))
def test_inside_is_inside_and_multiples_are_multiples(
    height: int, width: int, max_height: int, max_width: int, multiple: int
) -> None:
    image = np.zeros((height, width, 1), np.uint8)
    try:
        made = Resize(width=max_width, height=max_height, fit="inside", multiple=multiple)(image)
    except DataError:
        scale = min(max_height / height, max_width / width)
        assert min(height, width) * scale < multiple + 0.5
        return
    assert made.shape[0] <= max_height
    assert made.shape[1] <= max_width
    assert made.shape[0] % multiple == made.shape[1] % multiple == 0


def test_multiples_are_cut_around_the_centre_without_resampling() -> None:
    np.testing.assert_array_equal(Resize(multiple=16)(photo()), photo()[6:54, 5:85])


@pytest.mark.parametrize(("fit", "shape"), [("inside", (60, 90)), ("pad", (200, 200))])
def test_small_images_stay_as_they_are_unless_they_may_grow(fit: Fits, shape: tuple[int, int]) -> None:
    made = Resize(size=200, fit=fit, enlarge=False, background="black")(photo())
    assert made.shape == (*shape, 3)
    top, left = (made.shape[0] - 60) // 2, (made.shape[1] - 90) // 2
    np.testing.assert_array_equal(made[top : top + 60, left : left + 90], photo())
    assert not np.array_equal(Resize(size=200, fit=fit)(photo())[top : top + 60, left : left + 90], photo())


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_small_images_are_skipped_where_they_would_have_to_grow(fit: Fits) -> None:
    with pytest.raises(SkipError, match="90x60, less than 61x61") as caught:
        Resize(size=61, fit=fit, enlarge=False)(photo())
    assert caught.value.reason == "too-small"
    assert Resize(size=60, fit=fit, enlarge=False)(photo()).shape == (60, 60, 3)


def test_padding_has_the_background() -> None:
    made = Resize(size=90, fit="pad", background="#102030")(photo())
    assert (made[:15] == (16, 32, 48)).all()
    np.testing.assert_array_equal(made[15:75], photo())


def test_laid_on_the_background_is_pillows_composite_made_smaller() -> None:
    opacity = np.linspace(0, 255, 60 * 90).reshape(60, 90, 1).astype(np.uint8)
    ground = Image.new("RGB", (90, 60), (0, 80, 160))
    expected = Image.composite(Image.fromarray(photo()), ground, Image.fromarray(opacity[..., 0]))
    made = Resize(width=45, background="#0050a0")(np.dstack([photo(), opacity]))
    assert made.shape == (30, 45, 3)
    assert np.abs(made.astype(int) - geometry.resize(np.asarray(expected), 30, 45)).max() <= 1


def test_kept_opacity_weighs_the_colours_as_pillow_does() -> None:
    rgba = np.dstack([photo(), np.zeros((60, 90), np.uint8)])
    rgba[10:50, 20:70, 3] = 255
    made = Resize(width=45, alpha="keep")(rgba)
    expected = np.asarray(Image.fromarray(rgba).reduce(2)).astype(int)  # means, colours weighed by opacity
    np.testing.assert_allclose(made[..., 3], expected[..., 3], atol=1)
    seen = made[..., 3] > 0
    assert np.abs(made[seen].astype(int) - expected[seen]).max() <= 2
    assert (made[~seen] == 0).all()


def test_kept_opacity_of_two_channels_survives_as_it_is_and_padding_is_transparent() -> None:
    random = np.random.default_rng(0)
    for dtype in (np.uint8, np.uint16):
        image = random.integers(1, np.iinfo(dtype).max, (20, 30, 2), dtype)
        image[..., 1] |= np.iinfo(dtype).max // 2  # faint colours have few values left
        made = Resize(size=30, fit="pad", alpha="keep")(image)
        np.testing.assert_array_equal(made[5:25], image)
        assert (made[:5] == 0).all()


def test_a_band_is_no_opacity() -> None:
    bands = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    np.testing.assert_array_equal(Resize(width=15, alpha="band")(bands), geometry.resize(bands, 10, 15))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "There is nothing to do"),
        ({"size": 8, "width": 8}, "Give either size, or width and height"),
        ({"size": 100, "multiple": 16}, "100x100 is no multiple of 16"),
        ({"size": 100, "background": "none"}, "background 'none' is no colour"),
        ({"width": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Resize, options=options, owner=OWNER)
