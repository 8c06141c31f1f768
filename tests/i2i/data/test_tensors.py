from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from i2i.data.tensors import to_pixels, to_tensor

SHAPES = array_shapes(min_dims=3, max_dims=3, max_side=6)


@given(st.sampled_from([np.uint8, np.uint16]).flatmap(lambda dtype: arrays(dtype, SHAPES)))
def test_integers_survive_the_round_trip_exactly(pixels: Any) -> None:
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels), pixels.dtype), pixels)


def test_every_16_bit_value_survives() -> None:
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels), np.uint16), pixels)


@pytest.mark.parametrize(("dtype", "high"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_range_is_the_dtypes_and_never_the_contents(dtype: Any, high: int) -> None:
    dark = np.array([[[0, 1]]], dtype)
    assert to_tensor(dark).flatten().tolist() == pytest.approx([-1, 2 / high - 1])
    assert to_tensor(np.full((1, 1, 1), high, dtype)).item() == 1


def test_float_images_are_taken_as_they_are() -> None:
    pixels = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 3, 2)
    assert to_tensor(pixels).shape == (2, 2, 3)
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels), np.float32), pixels)


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match="uint8, uint16 or float32, not int64"):
        to_tensor(np.zeros((1, 1, 1), np.int64))


def test_values_beyond_the_range_are_clipped() -> None:
    assert to_pixels(torch.tensor([[[-3.0, 3.0]]]), np.uint8).flatten().tolist() == [0, 255]
