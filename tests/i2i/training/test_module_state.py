"""What modules keep, saved and given back."""

from typing import Any

import pytest
import torch
from torch import nn

from i2i.errors import DataError
from i2i.training.module_state import Kept, kept, load


class Pool(nn.Module):
    """Keeps images, of which there are none at first, a history that is nothing at first, and notes."""

    kept: torch.Tensor
    history: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.empty(0))
        self.register_buffer("history", None)
        self.notes: Any = {}

    def get_extra_state(self) -> Any:
        return self.notes

    def set_extra_state(self, notes: Any) -> None:
        self.notes = notes


class Holder(nn.Module):
    """A network beside a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.pool = Pool()


def filled() -> Holder:
    holder = Holder()
    holder.pool.kept = torch.arange(12, dtype=torch.float64).reshape(2, 3, 1, 2)
    holder.pool.history = torch.tensor([3, 4])
    holder.pool.notes = {"seen": [1, 2.5, "three", None, True], "of": {"x": {}}}
    return holder


def assert_as_filled(holder: Holder, weight: torch.Tensor) -> None:
    assert holder.pool.kept.dtype is torch.float64
    assert holder.pool.kept.shape == (2, 3, 1, 2)
    assert holder.pool.kept.flatten().tolist() == list(range(12))
    assert holder.pool.history is not None
    assert holder.pool.history.tolist() == [3, 4]
    assert holder.pool.notes == filled().pool.notes
    assert torch.equal(holder.conv.weight, weight)


def test_buffers_come_back_in_the_shape_that_was_saved_and_plain_data_as_it_was() -> None:
    first, second = filled(), Holder()
    saved = kept(first)
    assert set(saved.data) == {"pool._extra_state"}
    load(second, saved)
    assert_as_filled(second, first.conv.weight)
    assert {"kept", "history"} == dict(second.pool.named_buffers()).keys()
    assert second.pool.kept.data_ptr() != first.pool.kept.data_ptr()


def test_buffers_may_be_smaller_again() -> None:
    saved, holder = kept(Holder()), filled()
    holder.pool.history = None
    load(holder, saved)
    assert holder.pool.kept.shape == (0,)
    assert holder.pool.notes == {}


@pytest.mark.parametrize("value", [{1, 2}, (1, 2), {1: 2}, float("nan"), b"bytes", object(), {"x": torch.zeros(1)}, 1j])
def test_what_json_does_not_give_back_is_refused_in_one_line(value: Any) -> None:
    holder = Holder()
    holder.pool.notes = value
    with pytest.raises(
        DataError, match=r"'pool\._extra_state' in the state of Holder is a .* that JSON does not"
    ) as error:
        kept(holder)
    assert "\n" not in str(error.value)


def test_parameters_keep_their_shape_and_names_have_to_be_known() -> None:
    saved = kept(filled())
    with pytest.raises(RuntimeError, match=r"size mismatch for conv\.weight"):
        load(Holder(), Kept(saved.tensors | {"conv.weight": torch.zeros(5)}, saved.data))
    with pytest.raises(RuntimeError, match=r"Unexpected key.*pool\.other"):
        load(Holder(), Kept(saved.tensors | {"pool.other": torch.zeros(5)}, saved.data))
    with pytest.raises(RuntimeError, match=r"Missing key.*pool\._extra_state"):
        load(Holder(), Kept(saved.tensors, {}))
