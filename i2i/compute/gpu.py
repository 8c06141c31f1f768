"""What makes a GPU fast besides precision: products in TF32, chosen kernels, channels last, copies nobody waits for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def tuned(device: torch.device) -> Iterator[None]:
    """Let a CUDA device multiply float32 in TF32 and try which convolutions are fastest; all is put back afterwards.

    TF32 has the range of float32 and 10 bits after the point, and sums are float32; convolutions have it by torch's
    default already. Which kernels are chosen depends on their times, so that runs differ in the last bits.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    try:
        with torch.cuda.device(device):
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.benchmark = before[1]


def prefers_channels_last(device: torch.device) -> bool:
    """Return whether convolutions are faster there where the channels of maps are neighbours in memory."""
    return device.type == "cuda"


def laid_out(module: nn.Module, device: torch.device) -> None:
    """Move a module to a device, with the weights of its convolutions in the order in which that is fastest."""
    module.to(device)
    if prefers_channels_last(device):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def sent(batch: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Copy a batch to a device, where it is not there yet, without waiting until it has come."""
    return {name: _sent(values, device) for name, values in batch.items()}


def _sent(values: Tensor, device: torch.device) -> Tensor:
    if device.type == "cuda" and values.device.type == "cpu":
        values = values.pin_memory()  # from other memory a copy is one that is waited for
    values = values.to(device, non_blocking=True)
    last = values.ndim == 4 and prefers_channels_last(device)
    return values.contiguous(memory_format=torch.channels_last) if last else values
