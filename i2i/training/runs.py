"""Begins and resumes runs."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.devices import available_cpus, resolve_device
from i2i.errors import DiskFullError, UsageError
from i2i.places import is_url
from i2i.reporting import Reporter
from i2i.training import checkpoint
from i2i.training.checkpoint import Checkpoint
from i2i.training.environment import describe_environment, differences
from i2i.training.folder import RunFolder
from i2i.training.initial import begin, newest_state
from i2i.training.setup import Setup, set_up
from i2i.training.state import Progress, restore
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
    folder, reporter = RunFolder(out), reporter or Reporter()
    setup = set_up(_concrete(_with_model(config)), reporter)
    begun = begin(setup)
    with folder.held():
        folder.create(setup.config)
        folder.write_environment(describe_environment(setup.config.selection))
        return _run(folder, setup, Progress(), reporter, begun)


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
    folder, reporter = RunFolder(path), reporter or Reporter()
    setup = set_up(_concrete(folder.read_config().change(**changes)), reporter)
    with folder.held():
        progress, begun = _go_back(folder, setup, reporter)
        return _run(folder, setup, progress, reporter, begun)


def _go_back(folder: RunFolder, setup: Setup, reporter: Reporter) -> tuple[Progress, str]:
    """To the last checkpoint, or to the beginning where there is none; returns what the run begins with besides."""
    saved, damaged = checkpoint.load(folder.checkpoints)
    for line in damaged:
        reporter.warned(f"{line} Going on from the checkpoint before it.")
    for line in _departures(folder, setup, saved):
        reporter.warned(line)
    folder.write_config(setup.config)
    return (Progress(), begin(setup)) if saved is None else (restore(setup, saved), "")


def _departures(folder: RunFolder, setup: Setup, saved: Checkpoint | None) -> Iterator[str]:
    """One line about each thing by which the run will not go on as it began."""
    if before := folder.read_environment():
        for line in differences(before, describe_environment(setup.config.selection)):
            yield f"The run may not repeat to the bit: {line}."
    if saved is None:
        yield "There is no checkpoint yet: the run starts afresh."
        return
    if saved.state["total"] != setup.steps and setup.config.schedule.name != "constant":
        yield (
            f"The run now has {setup.steps} steps instead of {saved.state['total']}: "
            "its learning rate follows the new length."
        )
    if saved.state["pairs"] != setup.fingerprint:
        yield "The training pairs are not the ones this run began with: their order changes."


def _run(folder: RunFolder, setup: Setup, progress: Progress, reporter: Reporter, begun: str) -> Outcome:
    facts = setup.facts() | {"run": str(folder.path)} | ({"begins with": begun} if begun else {})
    reporter.started(facts, progress.step, setup.steps)
    try:
        return Trainer(folder, setup, progress, reporter).run()
    except DiskFullError as error:
        raise DiskFullError(error.lack, f"go on with: {folder.resuming}") from error


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
