"""Opacity kept, numbers as stored, and declared ranges."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hostile_files import npy, png, saved, tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from i2i.errors import UsageError
from i2i.images import ImageError, read, read_header, scaled, unscaled

IDS = (np.arange(12 * 20).reshape(12, 20) % 7).astype(np.uint8)
COLOURS = [value for index in range(7) for value in (index * 30, 255 - index * 20, 90)]


def with_palette() -> Image.Image:
    image = Image.fromarray(IDS).convert("P")
    image.putdata(IDS.ravel().tolist())
    image.putpalette(COLOURS)
    return image


@pytest.mark.parametrize("name", ["PNG", "GIF", "TIFF", "BMP"])
def test_ids_of_a_palette_are_its_indices(name: str) -> None:
    data = saved(with_palette(), name)
    assert read(data).pixels.shape == (12, 20, 3)
    ids = read(data, reading="ids").pixels
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(ids[..., 0], IDS)


def test_transparency_of_a_palette_does_not_hide_its_ids() -> None:
    ids = read(saved(with_palette(), "PNG", transparency=0), reading="ids").pixels
    np.testing.assert_array_equal(ids[..., 0], IDS)


@pytest.mark.parametrize("name", ["PNG", "TIFF", "BMP", "PPM"])
def test_ids_of_one_bit_are_0_and_1(name: str) -> None:
    ids = read(saved(Image.fromarray(IDS > 3), name), reading="ids").pixels
    np.testing.assert_array_equal(ids[..., 0], IDS > 3)


@pytest.mark.parametrize(("depth", "row"), [(1, "b2"), (2, "1b"), (4, "0f")])
def test_gray_of_few_bits_is_not_widened(depth: int, row: str) -> None:
    bits = f"{int(row, 16):08b}"
    expected = [int(bits[place : place + depth], 2) for place in range(0, 8, depth)]
    ids = read(png(len(expected), 1, bytes.fromhex("00" + row), depth=depth), reading="ids").pixels
    assert ids.ravel().tolist() == expected


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_ids_of_sixteen_bits_are_kept(name: str) -> None:
    values: NDArray[Any] = (IDS.astype(np.uint16) * 9001).astype(np.uint16)
    data = cv2.imencode(".png", values)[1].tobytes() if name == "PNG" else tiff(values)
    ids = read(data, reading="ids").pixels
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids[..., 0], values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_ids_where_white_is_stored_as_zero_are_the_stored_ones(dtype: str) -> None:
    ids = read(tiff(IDS.astype(dtype), photometric="miniswhite"), reading="ids").pixels
    np.testing.assert_array_equal(ids[..., 0], IDS)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("encode", [npy, tiff])
def test_whole_numbers_of_other_types_are_ids_if_they_fit(encode: Any, dtype: str) -> None:
    ids = read(encode(IDS.astype(dtype) * 900), reading="ids").pixels
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids[..., 0], IDS.astype(int) * 900)
    for wrong in (-1, 70_000):
        if np.can_cast(np.min_scalar_type(wrong), dtype):
            with pytest.raises(ImageError, match=r"Ids lie in 0\.\.65535") as refused:
                read(encode(np.full((4, 4), wrong, dtype)), reading="ids")
            assert refused.value.reason == "out-of-range"


def test_ids_are_turned_as_the_image_is() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for data in (saved(with_palette(), "PNG", exif=exif), saved(Image.fromarray(IDS), "PNG", exif=exif)):
        np.testing.assert_array_equal(read(data, reading="ids").pixels[..., 0], np.rot90(IDS, -1))


def test_colours_are_ids_as_they_are_stored_and_opacity_is_left_out_with_a_word() -> None:
    rgba = np.dstack([IDS, IDS * 2, IDS * 3, IDS * 36])
    picture = read(saved(Image.fromarray(rgba), "PNG", icc_profile=b"x" * 200), reading="ids")
    np.testing.assert_array_equal(picture.pixels, rgba[..., :3])
    assert picture.notes == ("opacity left out of the ids",)


@pytest.mark.parametrize(
    "data",
    [npy(np.zeros((4, 4), np.float32)), npy(np.zeros((4, 4, 5), np.uint8)), tiff(np.zeros((9, 9), "f4"))],
)
def test_what_cannot_be_ids_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="Ids") as refused:
        read(data, reading="ids")
    assert refused.value.reason == "unsupported"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_alpha_keeps_opacity_and_the_colours_under_it(name: str, mode: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (9, 12, len(mode)), np.uint8)
    values[:4, ..., -1] = 0
    options = {"lossless": True, "exact": True} if name == "WEBP" else {}
    picture = read(saved(Image.fromarray(values), name, **options), reading="alpha")
    expected = values[..., [0, 0, 0, 1]] if (name, mode) == ("WEBP", "LA") else values
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.notes == ()


def test_alpha_of_an_opaque_image_adds_no_channel() -> None:
    assert read(saved(Image.fromarray(IDS), "PNG"), reading="alpha").pixels.shape == (12, 20, 1)


def test_alpha_of_what_is_transparent_all_over_is_read() -> None:
    assert not read(saved(Image.new("RGBA", (9, 9)), "PNG"), reading="alpha").pixels.any()


def test_transparency_of_a_palette_is_alpha() -> None:
    pixels = read(saved(with_palette(), "PNG", transparency=2), reading="alpha").pixels
    np.testing.assert_array_equal(pixels[..., 3] == 0, IDS == 2)
    np.testing.assert_array_equal(pixels[..., :3], np.array(COLOURS).reshape(7, 3)[IDS])


RANGES: dict[str, tuple[NDArray[Any], tuple[float, float]]] = {
    "12 bits in 16": (np.linspace(0, 4095, 60).astype("u2").reshape(6, 10), (0, 4095)),
    "metres": (np.linspace(-430, 8848, 60).astype("f4").reshape(6, 10), (-430, 8848)),
    "doubles": (np.linspace(0, 1, 60).reshape(6, 10), (0, 1)),
    "halves": (np.linspace(0, 0.7, 60).astype("f2").reshape(6, 10), (0, 0.7)),
    "signed": (np.linspace(-900, 900, 60).astype("i2").reshape(6, 10), (-1000, 1000)),
    "counts": (np.linspace(0, 3e9, 60).astype("u4").reshape(6, 10), (0, 3e9)),
    "five bands": (np.linspace(0, 2, 300).astype("f4").reshape(6, 10, 5), (0, 2)),
    "rgb": (np.linspace(0, 2, 180).astype("f4").reshape(6, 10, 3), (0, 2)),
}


@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("suffix", ["npy", "tif"])
def test_a_declared_range_becomes_minus_one_to_one(suffix: str, kind: str) -> None:
    values, (low, high) = RANGES[kind]
    options = {"photometric": "minisblack", "planarconfig": "contig"} if values.ndim == 3 else {}
    data = npy(values) if suffix == "npy" else tiff(values, **options)
    pixels = read(data, value_range=(low, high)).pixels
    assert pixels.dtype == np.float32
    expected = np.interp(values.astype(float), (low, high), (-1, 1)).reshape(pixels.shape)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    assert read_header(io.BytesIO(data), "it").channels_read(declared=True) == pixels.shape[2]


def test_pages_of_numbers_are_channels_where_a_range_is_declared() -> None:
    bands = np.random.default_rng(0).uniform(0, 10, (5, 6, 9)).astype(np.float32)
    data = tiff(bands, photometric="minisblack")
    pixels = read(data, value_range=(0, 10)).pixels
    np.testing.assert_allclose(pixels, np.moveaxis(bands, 0, -1) / 5 - 1, atol=1e-6)
    deep: NDArray[Any] = (bands * 400).astype(np.uint16)
    assert read(tiff(deep, photometric="minisblack"), value_range=(0, 4095)).pixels.shape == (6, 9, 5)
    np.testing.assert_array_equal(read(tiff(deep, photometric="minisblack")).pixels, np.moveaxis(deep, 0, -1))


def test_pages_of_several_kinds_are_not_taken_for_channels() -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(np.zeros((6, 9), np.float32))
        writer.write(np.zeros((3, 5), np.float32))
    with pytest.raises(ImageError, match="pages of several kinds"):
        read(stream.getvalue(), value_range=(0, 1))


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (tiff(np.array([[-3, 812], [np.nan, 2]], np.float32)), "unsupported", "holds float32, from -3 to 812."),
        (npy(np.array([[-3, 812]], np.int32)), "unsupported", "holds int32, from -3 to 812."),
        (npy(np.array([[-3, 812], [1, 2]], np.float32)), "out-of-range", r"outside [-1, 1], from -3 to 812."),
        (npy(np.full((2, 2), np.nan)), "unsupported", "NaN or infinite everywhere."),
    ],
)
def test_numbers_without_a_declared_range_are_refused_with_their_extremes(data: bytes, reason: str, said: str) -> None:
    with pytest.raises(ImageError) as refused:
        read(data)
    assert said + " Declare its range (value_range)" in str(refused.value)
    assert refused.value.reason == reason
    with pytest.raises(ImageError, match=r"\. Say it, or save|\. Say it\."):
        read(data, declare="Say it")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_called_so(value: float) -> None:
    with pytest.raises(ImageError, match="has values that are NaN or infinite") as refused:
        read(npy(np.array([[-1, 0.47], [value, 0]], np.float32)))
    assert refused.value.reason == "out-of-range"


@pytest.mark.parametrize("value", [-0.01, 4095.5, np.nan, np.inf])
def test_values_beyond_the_declared_range_are_refused_with_the_extremes(value: float) -> None:
    values = np.full((5, 5), 7, np.float32)
    values[2, 3] = value
    line = "from 7 to 4095.5|from -0.01 to 7|NaN or infinite"
    with pytest.raises(ImageError, match=line) as refused:
        read(npy(values), value_range=(0, 4095))
    assert refused.value.reason == "out-of-range"


@pytest.mark.parametrize("span", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_range_that_is_none_is_refused(span: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="smaller and a larger number"):
        read(npy(np.zeros((3, 3))), value_range=span)


def test_only_images_have_a_range() -> None:
    with pytest.raises(UsageError, match="Only 'image'"):
        read(npy(IDS), reading="ids", value_range=(0, 1))


@given(
    arrays(np.float32, (3, 4, 2), elements=st.floats(0, 1, width=32)),
    st.floats(-1e4, 1e4, width=32),
    st.floats(1, 1e4, width=32),
)
@settings(deadline=None, max_examples=30)
def test_declared_ranges_there_and_back(unit: NDArray[Any], low: float, width: float) -> None:
    span = (low, low + width)
    values = (low + unit.astype(np.float64) * width).clip(*span)
    back = unscaled(scaled(values, span, "it"), span)
    np.testing.assert_allclose(back, values, rtol=0, atol=1e-6 * (abs(low) + width))
