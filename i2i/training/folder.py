"""A run's folder: everything to repeat or resume it, and everything it made."""

import json
import os
import platform
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from i2i import __version__, safe_json
from i2i.compute.precision import about, numbers_of
from i2i.config import Plugins, RunConfig, merge, read_file, resolve
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.options import validate
from i2i.plugin_files import load_plugin_file
from i2i.plugins import installed_versions, lookup
from i2i.selection import providers
from i2i.system.files import TEMPORARY_PREFIX, lock, make_folder, sweep, write_atomically
from i2i.system.rank import LAUNCHED, this_rank
from i2i.translation.model import LAST_MODEL, MODEL

LOCK = ".lock"
LOGS = "logs"
REPORT = "report.html"


class RunFolder:
    """Names everything in it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.environment = path / "environment.json"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples"
        self.logs = path / LOGS
        self.report = path / REPORT
        self.checkpoints = path / "checkpoints"
        self.model = path / MODEL
        self.last_model = path / LAST_MODEL

    @property
    def resuming(self) -> str:
        """Return the command that resumes the run."""
        together = f"--nproc {this_rank().count} " if LAUNCHED in os.environ else ""
        return f"i2i train {together}--resume {shlex.quote(str(self.path))}"

    def check_free(self) -> None:
        """Refuse a folder in which no new run can begin.

        A run that never came as far as its first step left nothing that is worth keeping: it is begun anew.

        Raises:
            UsageError: If there is something else in it.
        """
        if self.has_progress():
            raise UsageError(
                f"{self.path} holds a run. Go on with it by --resume {shlex.quote(str(self.path))}, "
                "or choose another --out."
            )
        own = self._names if self.config.exists() else {LOCK}
        if strangers := [name for name in self._entries() if name not in own]:
            raise UsageError(f"{self.path} is not empty: it holds {strangers[0]!r}. Choose another --out.")

    def has_progress(self) -> bool:
        """Return whether there is a run in the folder that has made a step."""
        return self.checkpoints.exists() or (self.metrics.is_file() and self.metrics.stat().st_size > 0)

    def write_config(self, config: RunConfig) -> None:
        """Record what the run does."""
        write_atomically(self.config, config.to_yaml().encode())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, so that no other process trains in it; one that nothing was put into is gone afterwards.

        Raises:
            UsageError: If another process holds it.
            OutputError: If the folder cannot be made.
        """
        made = not self.path.exists()
        make_folder(self.path)
        with lock(self.path / LOCK):
            try:
                yield
            finally:
                if made and self._entries() == [LOCK]:
                    with suppress(OSError):  # Windows removes no file that is open
                        (self.path / LOCK).unlink()
                        self.path.rmdir()

    def sweep(self) -> None:
        """Remove what a run that was killed had half written. For the one who holds the folder."""
        sweep(self.path, below=False)  # whatever else is below is somebody else's
        for own in (self.checkpoints, self.samples):
            sweep(own)

    def read_config(self, plugins: Mapping[str, Any] = {}) -> RunConfig:
        """Read the configuration of the run that is in the folder.

        Args:
            plugins: The section of that name, where it is not the recorded one. The files that it names are loaded.

        Raises:
            MissingInputError: If there is none, or one of its plugin files is gone.
            UsageError: If a plugin file has changed.
        """
        if not self.config.is_file():
            raise MissingInputError(f"{self.path} holds no run to resume: there is no {self.config.name}.")
        said = merge([read_file(self.config), {"plugins": plugins}])
        for file in validate(Plugins, said["plugins"], "plugins").files:
            load_plugin_file(file.path, file.sha256)
        return resolve([said])

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Record what the run depends on."""
        write_atomically(self.environment, (json.dumps(environment, indent=2) + "\n").encode())

    def read_environment(self) -> dict[str, Any]:
        """Read what the run depended on when it began; empty if it never came so far.

        Raises:
            DataError: If the file is damaged.
        """
        if not self.environment.is_file():
            return {}
        try:
            return dict(safe_json.load(self.environment.read_bytes()))
        except ValueError:
            raise DataError(f"{self.environment} is damaged. Delete it to go on without the comparison.") from None

    @property
    def _names(self) -> set[str]:
        """Return the names of all that a run makes."""
        return {LOCK, *(value.name for value in vars(self).values() if value != self.path)}

    def _entries(self) -> list[str]:
        """Return the names of all that is there, but for what was half written."""
        if not self.path.is_dir():
            return []
        return sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith(TEMPORARY_PREFIX))


LIBRARIES = ("torch", "numpy", "opencv-python-headless", "opencv-python", "pillow", "kornia", "safetensors")


def describe_environment(config: RunConfig) -> dict[str, Any]:
    """Return everything that is recorded in ``environment.json``."""
    optimizers = (lookup("optimizer", name) for name in config.optimizer.names)
    metrics = () if config.validation.metrics == "auto" else config.validation.metrics
    measuring = (lookup("metric", metric.name) for metric in metrics)
    found = chain(providers(config.selection).values(), optimizers, measuring)
    plugins = {f"{each.distribution} {each.version}" for each in found}
    device = torch.device(config.training.device)
    plugins |= {file.package for file in config.plugins.files}
    return {
        "i2i": __version__,
        "python": platform.python_version(),
        "libraries": installed_versions(LIBRARIES),
        "plugins": sorted(plugins),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "compute": about(numbers_of(config.training.precision, device), device),
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return one line for each thing that is not as it was."""
    return [f"{key}: was {before.get(key)}, is {now[key]}" for key in now if before.get(key) != now[key]]
