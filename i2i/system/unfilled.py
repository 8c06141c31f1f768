"""Build networks without memory: to learn what they are like, or to fill them from a file."""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from i2i.errors import DataError

MAX_ELEMENTS = 2**28
"""Of a parameter, where no file holds a larger one: it may be made on the way, and not be part of the network."""
MAX_PARAMETERS = 5000
"""Of a network without a file; the paper's U-Net has 44."""


@contextmanager
def unfilled(where: str, shapes: Collection[Sequence[int]] | None = None) -> Iterator[None]:
    """Build networks whose parameters have a shape, but neither values nor memory.

    Drawing weights takes longer than reading them. Buffers are made as ever, since not all of them are in a file.

    Args:
        where: What asks for a network, for errors.
        shapes: Of the tensors of the file that will fill it, if one will: far more parameters or modules than it has
            tensors are refused as they appear.

    Raises:
        DataError: If there are too many, one is too large, or its sizes are none that a tensor can have.
    """
    here = threading.get_ident()  # the hooks see the modules of every thread
    parameters = MAX_PARAMETERS if shapes is None else 4 * len(shapes) + 1000
    limits = {nn.Parameter: parameters, nn.Module: 5 * parameters + 5000}
    counts = dict.fromkeys(limits, 0)
    largest = max([MAX_ELEMENTS, *(torch.Size(shape).numel() for shape in shapes or ())])

    def count(kind: type[Any], elements: int = 0) -> None:
        counts[kind] += 1
        if counts[kind] > limits[kind] or elements > largest:
            remedy = "Ask for a smaller one." if shapes is None else "Its weights are far fewer. Do not use it."
            raise DataError(f"{where} is far too large a network. {remedy}")

    def empty(_: nn.Module, __: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if threading.get_ident() != here or parameter is None:
            return None
        count(nn.Parameter, parameter.numel())
        if parameter.is_meta:
            return None
        return nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=parameter.requires_grad)

    def counted(_: nn.Module, __: str, module: nn.Module | None) -> None:
        if threading.get_ident() == here and module is not None:
            count(nn.Module)

    hooks = (
        register_module_parameter_registration_hook(empty),  # type: ignore[arg-type]  # torch's types lack the result
        register_module_module_registration_hook(counted),
    )
    try:
        with _Undrawn():
            yield
    except (ArithmeticError, MemoryError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")  # torch adds where in its own code that was
        raise DataError(f"{where} cannot be built: {reason}. Choose other options.") from error
    finally:
        for hook in hooks:
            hook.remove()


class _Undrawn(TorchFunctionMode):
    """Passes over draws into tensors without memory, for which torch would import half of itself (2 s)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (nn.init.normal_, Tensor.normal_):
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **kwargs)
