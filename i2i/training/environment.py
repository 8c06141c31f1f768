"""What a result depends on besides its configuration: versions, machine, instruction set."""

import platform
from typing import Any

import torch

from i2i import __version__
from i2i.assembly import Selection, providers
from i2i.versions import installed_versions

LIBRARIES = ("torch", "numpy", "opencv-python-headless", "opencv-python", "pillow", "kornia", "safetensors")


def describe_environment(selection: Selection) -> dict[str, Any]:
    """Everything that is recorded in ``environment.json``."""
    plugins = {f"{p.distribution} {p.version}" for p in providers(selection).values()}
    return {
        "i2i": __version__,
        "python": platform.python_version(),
        "libraries": installed_versions(LIBRARIES),
        "plugins": sorted(plugins),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """One line for each thing that is not as it was."""
    return [f"{key}: was {before.get(key)}, is {now[key]}" for key in now if before.get(key) != now[key]]
