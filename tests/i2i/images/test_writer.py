"""What is written reads back equal, by us and by others, and is whole or not there."""

import io
import os
import stat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from i2i import images
from i2i.errors import OutputError
from i2i.pairs import Pixels

PIXELS = st.one_of(
    arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9)),
    arrays(np.uint16, array_shapes(min_dims=3, max_dims=3, max_side=9)),
    arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.floats(-1, 1, width=32)),
)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)


@given(PIXELS)
@settings(deadline=None, max_examples=30)
def test_any_image_comes_back_equal(pixels: Pixels) -> None:
    picture = images.read(images.encode(pixels, images.suffix_for(pixels)))
    assert picture.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(
    ("dtype", "channels", "suffix"),
    [("uint8", 1, ".png"), ("uint16", 3, ".png"), ("uint8", 2, ".npy"), ("uint16", 4, ".npy"), ("float32", 3, ".npy")],
)
def test_lossless_suffix_follows_from_the_image(dtype: str, channels: int, suffix: str) -> None:
    assert images.suffix_for(np.zeros((4, 4, channels), dtype)) == suffix


def test_others_read_the_same_colours() -> None:
    colours = np.dstack([RAMP, 255 - RAMP, RAMP // 2])
    for suffix in (".png", ".webp"):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(images.encode(colours, suffix)))), colours)
    lossy = np.asarray(Image.open(io.BytesIO(images.encode(np.full((16, 16, 3), (200, 50, 20), np.uint8), ".JPG"))))
    assert np.abs(lossy.astype(int) - (200, 50, 20)).max() < 4


@pytest.mark.parametrize(
    ("pixels", "suffix"),
    [
        (RAMP.astype(np.uint16), ".jpg"),
        (RAMP.astype(np.uint16), ".webp"),
        (RAMP.astype(np.float32) / 255, ".png"),
        (RAMP.repeat(4, 2), ".png"),
        (np.zeros((20000, 2, 3), np.uint8), ".webp"),
    ],
)
def test_file_that_cannot_hold_the_image_is_refused(pixels: Pixels, suffix: str) -> None:
    with pytest.raises(images.ImageError, match="cannot hold"):
        images.encode(pixels, suffix)


def test_dtype_without_a_range_is_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        images.encode(np.zeros((4, 4, 1), np.int64), ".npy")


def test_written_file_has_the_mode_that_the_umask_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        images.write(tmp_path / "a.png", RAMP)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
    np.testing.assert_array_equal(images.read(tmp_path / "a.png").pixels, RAMP)


def test_folder_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file or directory"):
        images.write(tmp_path / "missing" / "a.png", RAMP)


@given(PIXELS)
@settings(deadline=None, max_examples=30)
def test_tiff_holds_everything_and_others_read_it(pixels: Pixels) -> None:
    data = images.encode(pixels, ".tif")
    assert data == images.encode(pixels.copy(), ".tif")
    stored = tifffile.imread(io.BytesIO(data))
    np.testing.assert_array_equal(stored.reshape(pixels.shape), pixels)
    declared = (-1, 1) if pixels.dtype == np.float32 else None
    np.testing.assert_allclose(images.read(data, value_range=declared).pixels, pixels, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(7, 5, 1), (7, 5, 3), (1, 1, 1), (1, 1, 3), (3, 1, 3), (64, 48, 3)])
def test_png_is_what_other_decoders_read(dtype: Any, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    data = images.encode(pixels, ".png")
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert theirs is not None
    np.testing.assert_array_equal(theirs.reshape(shape)[..., ::-1], pixels)
    if dtype == np.uint8:
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(shape), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(7, 5, 2), (7, 5, 4), (1, 1, 2), (1, 1, 4), (64, 48, 4)])
def test_opacity_of_a_png_is_what_other_decoders_read(dtype: Any, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    data = images.encode(pixels, ".png", alpha=True)
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert theirs is not None  # blue, green, red, opacity: gray is repeated
    np.testing.assert_array_equal(theirs, pixels[..., [2, 1, 0, 3] if shape[2] == 4 else [0, 0, 0, 1]])
    opened = Image.open(io.BytesIO(data))
    if dtype == np.uint8:
        np.testing.assert_array_equal(np.asarray(opened), pixels)
    else:  # Pillow takes the upper byte
        np.testing.assert_array_equal(np.asarray(opened.convert("RGBA"))[..., [0, -1]], pixels[..., [0, -1]] >> 8)
    np.testing.assert_array_equal(images.read(data, reading="alpha").pixels, pixels)


def test_opacity_is_said_and_not_guessed() -> None:
    pixels = RAMP.repeat(4, 2)
    assert images.suffix_for(pixels, alpha=True) == ".png"
    assert images.suffix_for(pixels.astype(np.float32) / 255, alpha=True) == ".npy"
    assert images.suffix_for(RAMP.repeat(5, 2), alpha=True) == ".npy"
    for suffix in (".jpg", ".webp"):
        with pytest.raises(images.ImageError, match=r"cannot hold 4 channels of uint8. Write \.png"):
            images.encode(pixels, suffix, alpha=True)


def test_png_of_a_view_is_that_of_its_copy() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)[::-1, ::2]
    assert images.encode(pixels, ".png") == images.encode(pixels.copy(), ".png")
