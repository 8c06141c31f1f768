from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from i2i.data.tensors import NO_CLASS, field_to_tensor, seen, stacked, to_pixels, to_tensor
from i2i.fields import Field
from i2i.pairs import Pixels

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


def as_defined(pixels: Pixels) -> Pixels:
    """The values of an image as networks see them, by the definition of its range: v * (2 / top) - 1, in float32."""
    planes = pixels.transpose(2, 0, 1).astype(np.float32)
    if pixels.dtype == np.float32:
        return planes
    return planes * np.float32(2 / np.iinfo(pixels.dtype).max) - np.float32(1)


def image(dtype: Any, channels: int, seed: int) -> Pixels:
    """A window of an image, as a random crop is one."""
    rng = np.random.default_rng(seed)
    whole = rng.uniform(-1, 1, (9, 11, channels)) if dtype is np.float32 else rng.integers(0, 250, (9, 11, channels))
    return whole.astype(dtype)[2:8, 1:6]


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "dtypes", [[np.uint8] * 3, [np.uint16] * 2, [np.float32] * 2, [np.uint8, np.uint16, np.float32]]
)
def test_images_stacked_as_they_are_stored_are_seen_as_their_range_defines_to_the_bit(
    dtypes: list[Any], channels: int
) -> None:
    items = [image(dtype, channels, number) for number, dtype in enumerate(dtypes)]
    batch = stacked(items, Field(channels=channels))
    assert batch.dtype == (dtypes[0] if len(set(dtypes)) == 1 else np.float32)
    made = seen(torch.from_numpy(batch), Field(channels=channels))
    assert made.is_contiguous()
    np.testing.assert_array_equal(made.numpy(), np.stack([as_defined(item) for item in items]))


@pytest.mark.parametrize("dtypes", [[np.uint8] * 2, [np.int64] * 2, [np.uint8, np.int32]])
def test_ids_stacked_as_they_are_stored_are_seen_as_whole_numbers_with_what_has_no_class_marked(
    dtypes: list[Any],
) -> None:
    items = [image(np.uint8, 1, number).astype(dtype) for number, dtype in enumerate(dtypes)]
    items[1][0, 0] = 255
    field = Field(channels=0, kind="ids", void=255)
    made = seen(torch.from_numpy(stacked(items, field)), field)
    expected = np.stack([item[..., 0].astype(np.int64) for item in items])
    expected[expected == 255] = NO_CLASS
    np.testing.assert_array_equal(made.numpy(), expected)


@pytest.mark.parametrize("field", [Field(channels=3), Field(channels=6, kind="ids"), Field(channels=3, kind="vector")])
def test_what_is_seen_has_memory_of_its_own(field: Field) -> None:
    stored = torch.zeros((1, 3), dtype=torch.float32 if field.kind != "ids" else torch.int64)
    made = seen(stored, field)
    stored += 1
    assert torch.equal(made, torch.zeros_like(made))


def test_a_field_of_one_item_is_seen_as_that_of_a_batch_is() -> None:
    pixels = image(np.uint8, 3, 0)
    np.testing.assert_array_equal(field_to_tensor(pixels, Field(channels=3)).numpy(), as_defined(pixels))
