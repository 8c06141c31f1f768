"""Weights of whoever made the model: what a file says of itself is bounded and compared before memory is taken."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from i2i.errors import DataError

HEADER_MULTIPLE = 8
"""Bytes that the header is filled up to a multiple of, so that values are where processors like them."""
MAX_HEADER = 4_000_000
"""Bytes that names and shapes of the tensors take; a tensor needs some 100."""


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
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
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


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Map the tensors of a safetensors file into memory: values are read when they are first looked at.

    What is written into them does not reach the file. It may be replaced meanwhile, but not be written over.

    Raises:
        DataError: As `read_table`.
    """
    read_table(path)
    return load_file(path)


def pieces(tensors: Mapping[str, Tensor]) -> Iterator[memoryview]:
    """Yield the content of a safetensors file: its header, then each tensor, without a copy where it is on the CPU.

    The widest come first, so that each begins at a multiple of its width; those that share memory, as tied weights do,
    are stored singly. Format: https://github.com/huggingface/safetensors#format

    Raises:
        TypeError: If the format has no such dtype.
    """
    names = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    described, end = dict[str, Any](), 0
    for name in names:
        tensor = tensors[name]
        if tensor.dtype not in DTYPES:
            raise TypeError(f"{name!r} is {tensor.dtype}, which safetensors does not store.")
        start, end = end, end + tensor.nbytes
        shape = list(tensor.shape)
        described[name] = {"dtype": DTYPES[tensor.dtype], "shape": shape, "data_offsets": [start, end]}
    header = json.dumps(described, separators=(",", ":")).encode()
    header += b" " * (-len(header) % HEADER_MULTIPLE)
    yield memoryview(len(header).to_bytes(8, "little") + header)
    for name in names:
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        yield flat.view(torch.uint8).numpy().data


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
