"""Tensors as the bytes of a safetensors file."""

from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a safetensors file; tensors that share memory, as tied weights do, are stored one by one."""
    return save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
