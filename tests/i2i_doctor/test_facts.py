"""What is remembered of an image against numpy, and that pictures are told apart by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i.pairs import Pixels, range_of
from i2i_doctor.facts import BINS, facts_of, values_of


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.uniform(-1, 1, shape).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6)),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    seed=st.integers(0, 9),
)
def test_measures_are_those_of_numpy(shape: tuple[int, int, int], dtype: str, seed: int) -> None:
    pixels = noise(shape, dtype, seed)
    low, high = range_of(pixels.dtype)
    entry = facts_of(pixels)
    assert (entry["height"], entry["width"], entry["channels"]) == shape
    assert (entry["low"], entry["high"]) == (pixels.min(), pixels.max())
    values = pixels.astype(np.float64)
    assert entry["mean"] == pytest.approx((values.mean() - low) / (high - low), abs=1e-6)
    assert entry["deviation"] == pytest.approx(values.std(axis=(0, 1)).max() / (high - low), abs=1e-6)
    whole = (low, high + (dtype != "float32"))
    assert values_of(pixels).tolist() == np.histogram(pixels, BINS, whole)[0].tolist()


@pytest.mark.parametrize("value", [0, 255])
def test_the_limits_of_the_range_are_counted(value: int) -> None:
    counts = values_of(np.full((3, 5, 1), value, np.uint8))
    assert counts[0 if value == 0 else -1] == counts.sum() == 15


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_entries_are_equal_where_the_pixels_are_and_differ_with_a_single_one(dtype: str) -> None:
    pixels = noise((40, 40, 3), dtype)
    turned = np.asfortranarray(pixels)
    assert facts_of(turned).tobytes() == facts_of(pixels).tobytes()
    changed = pixels.copy()
    changed[20, 20, 1], changed[20, 21, 1] = pixels[20, 21, 1], pixels[20, 20, 1]
    assert facts_of(changed)["checksums"].tolist() != facts_of(pixels)["checksums"].tolist()


def test_the_same_bytes_in_another_shape_are_another_picture() -> None:
    pixels = np.full((4, 9, 1), 7, np.uint8)
    assert facts_of(pixels).tobytes() != facts_of(pixels.reshape(9, 4, 1)).tobytes()
