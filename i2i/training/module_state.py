"""What modules keep between steps: tensors of any shape, and plain data; never anything that has to be unpickled."""

import json
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from i2i import safe_json
from i2i.errors import DataError


class Kept(NamedTuple):
    """The state of a module, by the names that torch gives it."""

    tensors: dict[str, Tensor]
    """Parameters, buffers and whatever ``get_extra_state`` returns as a tensor."""
    data: dict[str, Any]
    """What ``get_extra_state`` returns as JSON."""


def kept(module: nn.Module) -> Kept:
    """Return all that a module keeps.

    Raises:
        DataError: If it keeps something else than tensors and plain data: it could not be saved safely.
    """
    tensors: dict[str, Tensor] = {}
    data: dict[str, Any] = {}
    for name, value in module.state_dict().items():
        if isinstance(value, Tensor):
            tensors[name] = value
        elif _is_plain(value):
            data[name] = value
        else:
            raise DataError(
                f"{name!r} in the state of {type(module).__name__} is a {type(value).__name__} that JSON does not give "
                "back. Register tensors as buffers, and return numbers, texts, lists and dicts as extra state."
            )
    return Kept(tensors, data)


def _is_plain(value: Any) -> bool:
    try:
        return bool(safe_json.load(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def load(module: nn.Module, saved: Kept) -> None:
    """Give a module back what it kept; a buffer takes the shape that was saved, since pools and histories grow.

    Raises:
        RuntimeError: If it keeps other things, or parameters of other shapes.
    """
    owners = dict(module.named_modules())
    for name, tensor in saved.tensors.items():
        owner, _, leaf = name.rpartition(".")
        if owner not in owners or leaf not in owners[owner]._buffers:
            continue  # load_state_dict says what is wrong, if anything is
        buffer = owners[owner]._buffers[leaf]
        if buffer is None or (buffer.shape, buffer.dtype) != (tensor.shape, tensor.dtype):
            device = _device(module) if buffer is None else buffer.device
            setattr(owners[owner], leaf, torch.empty(tensor.shape, dtype=tensor.dtype, device=device))
    module.load_state_dict(saved.tensors | saved.data, strict=True)


def _device(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
