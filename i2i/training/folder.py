"""A run's folder: everything to repeat or resume it, and everything it made."""

import json
import platform
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from i2i import __version__
from i2i.assembly import Selection, providers
from i2i.config import RunConfig, read_file, resolve
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.plugins import installed_versions
from i2i.system import safe_json
from i2i.system.files import lock, make_folder, write_atomically
from i2i.translation.model import MODEL

LOCK = ".lock"


class RunFolder:
    """Names of everything in it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.environment = path / "environment.json"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.model = path / MODEL
        self.last_model = path / "model-last"

    @property
    def resuming(self) -> str:
        """The command that goes on with the run."""
        return f"i2i train --resume {shlex.quote(str(self.path))}"

    def create(self, config: RunConfig) -> None:
        """Make the folder of a new run.

        A run that never came as far as its first step leaves nothing that is worth keeping: it is begun anew.

        Raises:
            UsageError: If there is something else in it.
            OutputError: If it cannot be made.
        """
        if self.has_progress():
            raise UsageError(
                f"{self.path} holds a run. Go on with it by --resume {shlex.quote(str(self.path))}, "
                "or choose another --out."
            )
        if not self.config.exists() and self.path.exists() and (found := self._strangers()):
            raise UsageError(f"{self.path} is not empty: it holds {found[0]!r}. Choose another --out.")
        make_folder(self.samples)
        self.write_config(config)

    def has_progress(self) -> bool:
        """Whether there is a run in the folder that has made a step."""
        return self.checkpoints.exists() or (self.metrics.is_file() and self.metrics.stat().st_size > 0)

    def write_config(self, config: RunConfig) -> None:
        """Record what the run does."""
        write_atomically(self.config, config.to_yaml().encode())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, so that no other process trains in it.

        Raises:
            UsageError: If another process holds it.
            OutputError: If the folder cannot be made.
        """
        make_folder(self.path)
        with lock(self.path / LOCK):
            yield

    def read_config(self) -> RunConfig:
        """The configuration of the run that is in the folder.

        Raises:
            MissingInputError: If there is none.
        """
        if not self.config.is_file():
            raise MissingInputError(f"{self.path} holds no run to resume: there is no {self.config.name}.")
        return resolve([read_file(self.config)])

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Record what the run depends on."""
        write_atomically(self.environment, (json.dumps(environment, indent=2) + "\n").encode())

    def read_environment(self) -> dict[str, Any]:
        """What the run depended on when it began; empty if it never came so far.

        Raises:
            DataError: If the file is damaged.
        """
        if not self.environment.is_file():
            return {}
        try:
            return dict(safe_json.load(self.environment.read_bytes()))
        except ValueError:
            raise DataError(f"{self.environment} is damaged. Delete it to go on without the comparison.") from None

    def _strangers(self) -> list[str]:
        return sorted(entry.name for entry in self.path.iterdir() if entry.name != LOCK)


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
