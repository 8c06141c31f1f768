"""Colours as they are typed, and images laid on them."""

import numpy as np
import pytest
from PIL import Image

from i2i.errors import UsageError
from i2i.images.colour import blend, values_of
from i2i.pairs import range_of
from i2i_prepare.background import colour_of


@pytest.mark.parametrize(
    ("text", "colour"),
    [("white", (255, 255, 255)), ("#0a0B0c", (10, 11, 12)), ("#fA0", (255, 170, 0)), ("rgb(1, 2, 3)", (1, 2, 3))],
)
def test_colours_are_those_of_css(text: str, colour: tuple[int, int, int]) -> None:
    assert colour_of(text, "fill") == colour


@pytest.mark.parametrize(("text", "why"), [("whitish", "is no colour"), ("", "is no colour"), ("#11223344", "opacity")])
def test_what_is_no_opaque_colour_is_refused_by_the_options_name(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"fill '{text}' .*{why}"):
        colour_of(text, "fill")


def test_blending_8_bits_is_pillows_composite() -> None:
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (31, 47, 3), np.uint8)
    opacity = random.integers(0, 256, (31, 47, 1), np.uint8)
    ground = Image.new("RGB", (47, 31), (10, 200, 90))
    expected = Image.composite(Image.fromarray(photo), ground, Image.fromarray(opacity[..., 0]))
    difference = blend(photo, opacity, (10, 200, 90)).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_blending_keeps_the_depth_and_both_ends(dtype: type[np.generic]) -> None:
    low, high = range_of(np.dtype(dtype))
    photo = np.array([[[low, high, low]] * 3]).astype(dtype)
    opacity = np.array([[[0], [128], [255]]], np.uint8)
    blended = blend(photo, opacity, (255, 0, 0))
    assert blended.dtype == dtype
    np.testing.assert_array_equal(blended[0, 2], photo[0, 2])
    np.testing.assert_array_equal(blended[0, 0], np.array([high, low, low]).astype(dtype))
    half = low + (high - low) * np.array([127, 128, 0]) / 255
    np.testing.assert_allclose(blended[0, 1], half, atol=0.5 if dtype != np.float32 else 1e-6)


def test_a_colour_is_its_luma_where_an_image_is_not_rgb() -> None:
    expected = np.asarray(Image.new("RGB", (1, 1), (200, 30, 90)).convert("L"))[0, 0]
    np.testing.assert_allclose(values_of((200, 30, 90), 2, np.dtype(np.uint8)), expected, atol=0.5)
