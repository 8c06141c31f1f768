"""A run's folder: everything to repeat or resume it, and everything it made."""

import json
from pathlib import Path
from typing import Any

from i2i.config import RunConfig, read_file, resolve
from i2i.errors import DataError, MissingInputError, OutputError, UsageError
from i2i.files import write_atomically


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
        self.model = path / "model"
        self.last_model = path / "model-last"

    def create(self, config: RunConfig) -> None:
        """Make the folder of a new run.

        Raises:
            UsageError: If there is a run in it already.
            OutputError: If it cannot be made.
        """
        if self.config.exists():
            raise UsageError(
                f"{self.path} holds a run. Go on with it by --resume {self.path}, or choose another --out."
            )
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot make {self.path}: {error.strerror}. Choose another --out.") from error
        write_atomically(self.config, config.to_yaml().encode())

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
            return dict(json.loads(self.environment.read_bytes()))
        except ValueError:
            raise DataError(f"{self.environment} is damaged. Delete it to go on without the comparison.") from None
