"""What is measured of an image against numpy, and that pictures are told apart by it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i.pairs import Pixels, range_of
from i2i_doctor.facts import BINS, FACTS, measure

CHECK_PAGE = Path(__file__).parents[2] / "docs/check.md"


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.uniform(-1, 1, shape).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def digest(pixels: Pixels) -> Any:
    return np.frombuffer(measure(pixels).facts, FACTS)[0]["digest"].tobytes()


def test_of_an_image_as_many_bytes_are_kept_as_the_docs_say() -> None:
    assert f"Of each image {FACTS.itemsize} bytes are kept" in CHECK_PAGE.read_text()


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6)),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    seed=st.integers(0, 9),
)
def test_measures_are_those_of_numpy(shape: tuple[int, int, int], dtype: str, seed: int) -> None:
    pixels = noise(shape, dtype, seed)
    low, high = range_of(pixels.dtype)
    measures = measure(pixels)
    entry = np.frombuffer(measures.facts, FACTS)[0]
    assert (entry["height"], entry["width"], entry["channels"]) == shape
    assert (entry["low"], entry["high"]) == (pixels.min(), pixels.max())
    values = pixels.astype(np.float64)
    assert entry["deviation"] == pytest.approx(values.std(axis=(0, 1)).max() / (high - low), abs=1e-6)
    between = values.max(axis=2) - values.min(axis=2)
    assert entry["coloured"] == np.count_nonzero(between > 0.1 * (high - low))
    smallest, largest, total, squares = np.frombuffer(measures.channels).reshape(-1, 4).T
    assert (smallest == values.min(axis=(0, 1))).all()
    assert (largest == values.max(axis=(0, 1))).all()
    assert total == pytest.approx(values.sum(axis=(0, 1)), rel=1e-12, abs=1e-12)
    assert squares == pytest.approx((values**2).sum(axis=(0, 1)), rel=1e-12, abs=1e-12)
    whole = (low, high + (dtype != "float32"))
    assert np.frombuffer(measures.values, np.int64).tolist() == np.histogram(pixels, BINS, whole)[0].tolist()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_gray_image_is_dark_below_half_and_light_from_nine_tenths_on(dtype: str) -> None:
    low, high = range_of(np.dtype(dtype))
    shares = np.linspace(0, 1, 256).reshape(16, 16, 1)
    pixels = np.rint(shares * 255).astype(np.uint8) if dtype == "uint8" else (low + shares * (high - low)).astype(dtype)
    entry = np.frombuffer(measure(pixels).facts, FACTS)[0]
    assert (entry["dark"], entry["light"], entry["coloured"]) == (128, 26, 0)  # of 0..127 and 230..255 in 255


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_digests_are_equal_where_the_pixels_are_and_differ_with_a_single_one(dtype: str) -> None:
    pixels = noise((40, 40, 3), dtype)
    assert digest(np.asfortranarray(pixels)) == digest(pixels)
    changed = pixels.copy()
    changed[20, 20, 1], changed[20, 21, 1] = pixels[20, 21, 1], pixels[20, 20, 1]
    assert digest(changed) != digest(pixels)


def test_the_same_bytes_in_another_shape_or_type_are_another_picture() -> None:
    pixels = np.full((4, 8, 1), 7, np.uint8)
    pictures: list[Pixels] = [pixels, pixels.reshape(8, 4, 1), np.full((4, 4, 1), 0x0707, np.uint16)]
    assert len(set(map(digest, pictures))) == 3
