"""Files of weights, against the package that defines them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load

from i2i.translation.weights import DTYPES, pieces


def stored(tensors: dict[str, torch.Tensor]) -> bytes:
    return b"".join(pieces(tensors))


def made(dtype: torch.dtype, shape: list[int]) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel()).to(dtype).reshape(shape)


tensors_of_any_kind = st.builds(made, st.sampled_from([*DTYPES]), st.lists(st.integers(0, 3), max_size=3))


@given(st.dictionaries(st.text(max_size=5), tensors_of_any_kind))
def test_what_is_written_is_what_safetensors_reads(tensors: dict[str, torch.Tensor]) -> None:
    loaded = load(stored(tensors))
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(loaded[name], tensor)


def test_tensors_that_share_memory_or_are_turned_are_stored_as_they_look() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    loaded = load(stored({"whole": weight, "part": weight[1:], "turned": weight.T}))
    assert loaded["part"].tolist() == [[3, 4, 5]]
    assert loaded["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_what_safetensors_cannot_store_is_named() -> None:
    with pytest.raises(TypeError, match=r"'wave' is torch\.complex64"):
        stored({"wave": torch.zeros(1, dtype=torch.complex64)})
