"""What to compute on: devices and processors."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.errors import UsageError, things

if TYPE_CHECKING:
    import torch


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        UsageError: If there is no such device here.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):  # which of them depends on how torch was built
        raise UsageError(f"No device {name!r} here: this is torch {torch.__version__}{_lack(name)}.") from None
    return device


def _lack(name: str) -> str:
    """Say what this build of torch finds, and what to do about it."""
    import torch

    if not name.startswith("cuda"):
        return ". Use auto, cpu, cuda, cuda:1, mps, ..."
    if torch.version.cuda is None and torch.version.hip is None:
        return ", built without CUDA. Install a build that fits the GPU (see https://pytorch.org), or use cpu"
    if found := torch.cuda.device_count():
        return f", which finds {things(found, 'GPU')}, counted from 0. Use one of those, or cpu"
    platform = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}"
    return f", built for {platform}, which finds no GPU. See whether `nvidia-smi` lists one, or use cpu"


def free_memory(device: torch.device) -> int | None:
    """Return how many bytes of a device's memory are free; None where it does not say."""
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return free_main_memory() if device.type == "cpu" else None


def free_main_memory() -> int | None:
    """Return how many bytes this process may still take, within what a container allows; None but on Linux."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    for limit, used in CONTAINERS:
        with suppress(OSError, ValueError):  # no such limit, or it is "max"
            free.append(max(0, int(Path(limit).read_text()) - int(Path(used).read_text())))
    return min(free, default=None)


def spare_memory(device: torch.device, limit: int | None = None) -> int | None:
    """Return how many bytes of a device's memory this process may still take, and leave a tenth of what is free.

    Args:
        device: Whose memory.
        limit: Bytes that it may have in all, when not only what is free counts.

    Returns:
        None where neither is known.
    """
    import torch

    free, has = free_memory(device), 0
    if device.type == "cuda":
        has = torch.cuda.memory_allocated(device)
        free = None if free is None else free + torch.cuda.memory_reserved(device) - has
    elif device.type == "cpu":
        has = own_memory()
    bounds = [] if free is None else [free - free // 10]
    bounds += [] if limit is None else [limit - has]
    return max(0, min(bounds)) if bounds else None


def own_memory() -> int:
    """Return how many bytes of main memory this process has; 0 but on Linux."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Where Linux says the limit of a container, and how much of that is used (cgroup-v2.rst, cgroup-v1/memory.rst)."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory, of the machine or of a device, is used up.

    Only CUDA has a class of its own for that: the CPU allocator, oneDNN, MPS and OpenCV say it in words.
    """
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)


_OUT_OF_MEMORY = (
    "can't allocate memory",  # c10/core/impl/alloc_cpu.cpp
    "not enough memory",  # the same on Windows
    "out of memory",  # CUDA, MPS, cuDNN and others
    "Insufficient memory",  # OpenCV
    "could not create a memory object",  # oneDNN
    "could not create a primitive",  # the same, for the code that it compiles
    "bad_alloc",  # whatever else is C++
)


def available_cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def amount(count: float) -> str:
    """Say how much memory some bytes are.

    Example:
        >>> amount(1_820_000_000), amount(3_100_000)
        ('1.8 GB', '3.1 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def bytes_of(text: str) -> int:
    """Return how many bytes an amount of memory is.

    Raises:
        UsageError: If it is none.

    Example:
        >>> bytes_of("1.5GB"), bytes_of("800 MB")
        (1500000000, 800000000)
    """
    number, unit = text.strip().upper()[:-2], text.strip().upper()[-2:]
    with suppress(ValueError):
        if unit in UNITS and float(number) > 0:
            return int(float(number) * UNITS[unit])
    raise UsageError(f"{text!r} is no amount of memory. Give one such as 2GB or 800MB.")


UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
