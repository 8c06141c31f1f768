"""Devices, and what they say when memory is used up."""

import pytest
import torch

from i2i.errors import UsageError
from i2i.system.devices import is_out_of_memory, resolve_device


@pytest.mark.parametrize(
    ("cuda", "found", "said"),
    [
        (None, 0, "built without CUDA. Install a build that fits the GPU"),
        ("12.6", 0, "built for CUDA 12.6, which finds no GPU. See whether `nvidia-smi` lists one, or use cpu."),
        ("12.6", 2, "which finds 2 GPUs, counted from 0."),
    ],
)
def test_a_device_that_is_not_there_says_what_torch_this_is(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, found: int, said: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    with pytest.raises(UsageError) as refusal:
        resolve_device("cuda:77")
    assert str(refusal.value).startswith(f"No device 'cuda:77' here: this is torch {torch.__version__}, ")
    assert said in str(refusal.value)


def test_a_word_that_is_no_device_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"No device 'gpu' here: .*Use auto, cpu, cuda"):
        resolve_device("gpu")


def test_memory_that_cannot_be_had_is_told_from_other_failures() -> None:
    with pytest.raises(RuntimeError) as refusal:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refusal.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("could not create a primitive"))  # oneDNN of torch 2.13 under `ulimit -v`
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
