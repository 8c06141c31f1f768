"""Reads a stranger's checkpoint in a process of its own, which may do nothing else.

Unpickling is what makes these files dangerous: ``weights_only`` narrows it, and the process is there for what it lets
through. See `i2i_import.confinement` for what it may not do.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from i2i.errors import DataError, MissingInputError
from i2i_import.confined import OK, REFUSED

MAX_BYTES = 4 << 30
"""A U-Net of four times the usual width takes 3.5 GB."""
TIMEOUT = 300
"""Seconds on the clock, the start of Python and torch on a busy machine included."""
ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "LANG")
"""What the process gets to see: no tokens, no proxies."""
PREFIX = "module."
"""What ``DataParallel`` puts before every name."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Tensors by name, on the CPU, without the prefix of ``DataParallel``.

    Raises:
        MissingInputError: If there is no such file.
        DataError: If it is not a state dict of ``torch.save``, or is made to harm.
    """
    if not path.is_file():
        raise MissingInputError(f"There is no checkpoint {str(path)!r}.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{path} has {size} bytes, and no network of this format more than {MAX_BYTES}. Check the file."
        )
    status, answer = _confined(path)
    if status == OK:
        try:
            tensors = safetensors.torch.load(answer)
        except SafetensorError as error:
            raise DataError(f"{path} cannot be read as weights ({error}). Copy it again.") from None
        prefixed = all(name.startswith(PREFIX) for name in tensors)
        return {name.removeprefix(PREFIX) if prefixed else name: tensor for name, tensor in tensors.items()}
    raise DataError(f"{path} {answer.decode('utf-8', 'replace')}.")


def _confined(path: Path) -> tuple[bytes, bytes]:
    """Status and answer of the process."""
    command = [sys.executable, "-P", "-m", "i2i_import.confined"]
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    with path.open("rb") as source, tempfile.TemporaryFile() as result:
        try:
            done = subprocess.run(
                command,
                stdin=source,
                stdout=result,
                stderr=subprocess.DEVNULL,
                env={**environment, "OMP_NUM_THREADS": "1"},
                cwd=tempfile.gettempdir(),
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DataError(f"{path} was not read within {TIMEOUT} seconds. Check the file.") from None
        result.seek(0)
        status, answer = result.readline(len(REFUSED)), result.read()
    if done.returncode or status not in (OK, REFUSED):
        raise DataError(
            f"{path} could not be read within the limits on memory and time (exit code {done.returncode}). "
            "Check the file."
        )
    return status, answer
