"""The process that reads a stranger's checkpoint: ``python -m i2i_import.confined < CHECKPOINT > RESULT``.

It writes one line, ``ok`` or ``refused``, and then the tensors as a safetensors file or the reason as text.
"""

import math
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from i2i_import.confinement import allow_memory, leave_network, limit, watch
from i2i_import.inspection import MAX_TENSORS, RefusedError, inspect

if TYPE_CHECKING:
    from torch import Tensor

MARGIN = 256 << 20
"""Bytes of memory beyond those of the file."""
SECONDS = 60
"""Of processor time, once torch is imported."""
OK, REFUSED = b"ok\n", b"refused\n"


def main() -> None:
    """Read standard input, write standard output."""
    size = os.fstat(0).st_size
    leave_network()
    import torch  # only now, since it starts threads
    from safetensors.torch import save

    torch.set_num_threads(1)
    _warm_up()
    limit(memory=size + MARGIN, output=size + MARGIN, seconds=SECONDS)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    watch()
    try:
        inspect(source, size)
        tensors = _load(source)
        allow_memory(3 * size + MARGIN)  # two more copies, now that the file is known to hold no more than it says
        answer = OK + save({name: tensor.contiguous() for name, tensor in tensors.items()})
    except RefusedError as error:
        answer = REFUSED + str(error).encode()
    except MemoryError:
        answer = REFUSED + b"takes more memory than its size allows for"
    out.write(answer)
    out.flush()


def _warm_up() -> None:
    """Have torch import whatever reading takes, while files may still be opened."""
    import io

    import torch
    from safetensors.torch import save

    for legacy in (False, True):
        buffer = io.BytesIO()
        torch.save({"weight": torch.zeros(1)}, buffer, _use_new_zipfile_serialization=not legacy)
        buffer.seek(0)
        torch.load(buffer, map_location="cpu", weights_only=True)
    save({"weight": torch.zeros(1)})


def _load(file: BinaryIO) -> "dict[str, Tensor]":
    import torch

    size = os.fstat(0).st_size
    try:
        values = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever the parsers of both serialisations come upon
        raise RefusedError(f"cannot be read as weights ({type(error).__name__}). Copy it again") from error
    if not isinstance(values, dict):
        raise RefusedError(f"holds a {type(values).__name__}, not tensors by name")
    if len(values) > MAX_TENSORS:
        raise RefusedError(f"has {len(values)} tensors, more than {MAX_TENSORS}")
    for name, tensor in values.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise RefusedError(f"has {str(name)[:80]!r} of type {type(tensor).__name__} among its tensors")
        _check_tensor(name[:80], tensor)
    if sum(tensor.nbytes for tensor in values.values()) > size:
        raise RefusedError("says that its tensors have more bytes than the file")
    return {name: tensor.detach() for name, tensor in values.items()}


def _check_tensor(name: str, tensor: "Tensor") -> None:
    import torch

    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise RefusedError(f"has the tensor {name!r} that is not stored value by value")
    stored = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    if math.prod(tensor.shape) > stored:
        raise RefusedError(
            f"has the tensor {name!r} of shape {tuple(tensor.shape)}, of which it stores {stored} values"
        )
    if not bool(tensor.isfinite().all()):
        raise RefusedError(f"has the tensor {name!r} with values that are not finite")


if __name__ == "__main__":
    main()
