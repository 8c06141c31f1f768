"""Weights of whoever made the model: what a file says of itself is bounded and compared before memory is taken."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from i2i.errors import DataError

MAX_HEADER = 4_000_000
"""Bytes that names and shapes of the tensors take; a tensor needs some 100."""
MAX_ELEMENTS = 2**28
"""Of a parameter that is made on the way and is not part of the network in the end."""


class Spec(NamedTuple):
    """Dtype, as safetensors calls it, and shape of a tensor."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} of {'x'.join(map(str, self.shape)) or 'one value'}"


Table = Mapping[str, Spec]
"""The tensors of a file or of a network by name."""

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.bool: "BOOL",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
}


def read_table(path: Path) -> Table:
    """Read what tensors a safetensors file holds, but none of their values.

    Raises:
        DataError: If the file is missing or damaged, or its header is too large or does not agree with its size.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        header = int.from_bytes(start, "little") if len(start) == 8 else 0
        if header > MAX_HEADER:
            raise DataError(
                f"{path} describes its tensors in {header} bytes. A model takes at most {MAX_HEADER}. Do not use it."
            )
        with safe_open(path, "pt") as tensors:
            slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118 - it is no mapping
            return {name: Spec(each.get_dtype(), tuple(each.get_shape())) for name, each in slices.items()}
    except OSError:
        raise DataError(f"{path} is missing. Copy the whole model folder.") from None
    except SafetensorError as error:
        raise DataError(f"{path} is damaged: {error}. Copy it again.") from None


def read_tensors(path: Path) -> tuple[dict[str, Tensor], bytes]:
    """Read the tensors of a safetensors file onto the CPU, with the bytes that they came from.

    Raises:
        DataError: As `read_table`.
    """
    read_table(path)
    data = path.read_bytes()
    return load(data), data


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the content of a safetensors file; tensors that share memory, as tied weights do, are stored singly."""
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # safetensors ends the process where there is no memory for its two copies; asked for here, they raise an error
    bytearray(2 * sum(tensor.nbytes for tensor in whole.values()))
    return save(whole)


@contextmanager
def unfilled(table: Table, where: str) -> Iterator[None]:
    """Build networks whose parameters have a shape, but neither values nor memory: those of a file will replace them.

    Drawing weights takes longer than reading them. Buffers are made as ever, since not all of them are in a file.

    Args:
        table: What the file holds; far more parameters or modules than it has tensors are refused as they appear.
        where: What asks for them, for errors.

    Raises:
        DataError: If there are too many, or one is too large.
    """
    here = threading.get_ident()  # the hooks see the modules of every thread
    limits = {nn.Parameter: 4 * len(table) + 1000, nn.Module: 20 * len(table) + 10_000}
    counts = dict.fromkeys(limits, 0)
    largest = max([MAX_ELEMENTS, *(torch.Size(spec.shape).numel() for spec in table.values())])

    def count(kind: type[Any], elements: int = 0) -> None:
        counts[kind] += 1
        if counts[kind] > limits[kind] or elements > largest:
            raise DataError(f"{where} asks for a network far larger than its file of weights. Do not use it.")

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


def difference(network: nn.Module, table: Table) -> str:
    """Say what first differs between the tensors of a network and those of a file; empty where nothing does."""
    own = {name: Spec(DTYPES.get(v.dtype, str(v.dtype)), tuple(v.shape)) for name, v in network.state_dict().items()}
    for name in own:
        if name not in table:
            return f"it lacks {name!r}"
        if own[name] != table[name]:
            return f"{name!r} is {table[name]}, and {own[name]} in the network"
    extra = next((name for name in table if name not in own), None)
    return "" if extra is None else f"{extra[:80]!r} is no part of the network"


def fill(network: nn.Module, tensors: Mapping[str, Tensor], owner: str) -> None:
    """Give an `unfilled` network, whose tensors are those of a file, their values.

    Raises:
        DataError: If it has made something else of values that its parameters did not have yet.
    """
    network.load_state_dict(tensors, strict=True, assign=True)
    empty = [name for name, value in (*network.named_parameters(), *network.named_buffers()) if value.is_meta]
    if empty:
        raise DataError(
            f"{owner} makes {empty[0]!r} of its weights when it is built, which is before they are loaded. "
            "Make it in forward(), or a persistent buffer."
        )
