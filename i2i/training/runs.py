"""Begins and resumes runs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.data.tables.shards import is_url
from i2i.devices import available_cpus, resolve_device
from i2i.errors import UsageError
from i2i.reporting import Reporter
from i2i.training.environment import describe_environment
from i2i.training.folder import RunFolder
from i2i.training.initial import newest_state
from i2i.training.trainer import Outcome, Trainer
from i2i.translation.model import find_model

RESUMABLE = {
    "data": {"path", "workers"},
    "training": {"epochs", "steps", "device", "checkpoint_every", "keep", "export"},
    "validation": {"every", "images", "samples"},
}
"""What may change when a run is resumed. Of these, only the device and, where the learning rate follows a schedule, the
length of the run decide what its steps compute."""


def train(config: RunConfig, out: Path, reporter: Reporter | None = None) -> Outcome:
    """Begin a run in a new folder.

    Raises:
        I2iError: If something is wrong that a person can mend.
        InterruptedRunError: If SIGINT or SIGTERM stopped it; everything is saved.
    """
    folder = RunFolder(out)
    trainer = Trainer(folder, _concrete(_with_model(config)), reporter or Reporter())
    trainer.begin()
    with folder.held():
        folder.create(trainer.config)
        folder.write_environment(describe_environment(config.selection))
        return trainer.run()


def resume(path: Path, changes: Mapping[str, Mapping[str, Any]] = {}, reporter: Reporter | None = None) -> Outcome:
    """Go on with the run in a folder, from its last checkpoint that is whole; nothing to do if it is finished.

    Args:
        path: The run's folder.
        changes: Settings that differ from the run's own; only those in `RESUMABLE` may.
        reporter: Who is told.

    Raises:
        UsageError: If a change would make it another run.
        I2iError: As for `train`.
    """
    for section, values in changes.items():
        for option in values.keys() - RESUMABLE.get(section, set()):
            raise UsageError(f"{section}.{option} cannot change when a run is resumed. Start a new run with --out.")
    folder = RunFolder(path)
    trainer = Trainer(folder, _concrete(folder.read_config().change(**changes)), reporter or Reporter())
    with folder.held():
        return trainer.resume()


def _with_model(config: RunConfig) -> RunConfig:
    """The configuration with the folder of the model that the run begins with.

    Of a run it is that of its newest checkpoint, and of a name on a hub the one that was fetched, so that a run that is
    resumed has the same model, and needs no network for it.
    """
    if config.training.init is None:
        return config
    init = newest_state(config.training.init)
    return config.change(training={"init": os.path.abspath(init if os.path.exists(init) else find_model(init))})


def _concrete(config: RunConfig) -> RunConfig:
    """The configuration with everything that was left to the machine said."""
    return config.change(
        data={"path": config.data.path if is_url(config.data.path) else os.path.abspath(config.data.path)},
        training={
            "device": str(resolve_device(config.training.device)),
            "threads": config.training.threads or available_cpus(),
        },
    )
