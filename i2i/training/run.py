"""Begins and resumes runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isclose
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from i2i.assembly import Selection
from i2i.config import RunConfig
from i2i.errors import DiskFullError, ResourceError, UsageError
from i2i.places import is_url
from i2i.reporting import Reporter
from i2i.system.devices import available_cpus, is_out_of_memory, resolve_device
from i2i.system.files import make_folder
from i2i.training import checkpoint
from i2i.training.checkpoint import Checkpoint
from i2i.training.folder import RunFolder, describe_environment, differences
from i2i.training.memory import smaller_settings
from i2i.training.setup import Setup, set_up
from i2i.training.state import Progress, restore
from i2i.training.trainer import Outcome, Trainer
from i2i.training.updates import lr_at
from i2i.translation.model import find_model, load_weights, misfit, read_config, unfilled_generator

RESUMABLE = {
    "data": {"path", "workers"},
    "optimizer": {"lr"},
    "schedule": {"name", "decay_start"},
    "training": {"epochs", "steps", "device", "checkpoint_every", "keep", "export"},
    "validation": {"every", "images", "samples"},
}
"""What may change when a run is resumed. Of these, only the device, the learning rate and its schedule, and with a
schedule the length of the run decide what its steps compute."""


def train(config: RunConfig, out: Path, reporter: Reporter | None = None) -> Outcome:
    """Begin a run in a new folder.

    Raises:
        I2iError: If something is wrong that a person can mend.
        InterruptedRunError: If SIGINT or SIGTERM stopped it; everything is saved.
    """
    folder, reporter = RunFolder(out), reporter or Reporter()
    with folder.held():  # before all that takes long: a second start is refused at once
        folder.check_free()
        folder.sweep()
        config = _concrete(_with_model(config))
        with _within_memory(folder, config):
            setup = set_up(config, reporter)
            begun = begin(setup)
        folder.write_config(setup.config)
        folder.write_environment(describe_environment(setup.config.selection))
        return _run(folder, setup, Progress(), reporter, begun)


def resume(path: Path, changes: Mapping[str, Mapping[str, Any]] = {}, reporter: Reporter | None = None) -> Outcome:
    """Resume the run in a folder from its last checkpoint that is whole; nothing is done if it is finished.

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
    config = folder.read_config().change(**changes)
    with folder.held():
        folder.sweep()
        config = _concrete(config)
        with _within_memory(folder, config):
            setup = set_up(config, reporter)
            progress, begun = _go_back(folder, setup, reporter)
        return _run(folder, setup, progress, reporter, begun)


def _go_back(folder: RunFolder, setup: Setup, reporter: Reporter) -> tuple[Progress, str]:
    """Load the last checkpoint, or begin where there is none; returns what the run begins with besides."""
    saved, damaged = checkpoint.load(folder.checkpoints)
    for line in damaged:
        reporter.warned(f"{line} Going on from the checkpoint before it.")
    for line in _departures(folder, setup, saved):
        reporter.warned(line)
    folder.write_config(setup.config)
    return (Progress(), begin(setup)) if saved is None else (restore(setup, saved), "")


def _departures(folder: RunFolder, setup: Setup, saved: Checkpoint | None) -> Iterator[str]:
    """Yield one line about each thing by which the run will not go on as it began."""
    if before := folder.read_environment():
        for line in differences(before, describe_environment(setup.config.selection)):
            yield f"The run may not repeat to the bit: {line}."
    if saved is None:
        yield "There is no checkpoint yet: the run starts afresh."
        return
    if line := _other_rate(folder.read_config(), setup, saved.state["step"], saved.state["total"]):
        yield line
    if saved.state["pairs"] != setup.fingerprint:
        yield "The training pairs are not the ones this run began with: their order changes."


def _other_rate(before: RunConfig, setup: Setup, step: int, total: int) -> str:
    """Say how the learning rate goes on after a step if it does not as it would have: by settings, or a new length."""
    length = f"its schedule follows the new length of {setup.steps} steps (was {total})"
    follows = setup.steps != total and setup.config.schedule.name != "constant"
    last, now = lr_at(before, step - 1, total), lr_at(setup.config, step, setup.steps)
    expected = lr_at(before, step, total) if step < total else last
    if step >= setup.steps:
        return ""
    if isclose(now, expected):
        return f"The learning rate: {length}." if follows else ""
    jump = f"The learning rate was {last:.3g} at step {step} and is {now:.3g} at step {step + 1}"
    keep = f"--set schedule.name=constant --set optimizer.lr={last:.3g}"
    return f"{jump}: {length}. To keep the old end, resume with {keep}." if follows else f"{jump}."


def _run(folder: RunFolder, setup: Setup, progress: Progress, reporter: Reporter, begun: str) -> Outcome:
    facts = setup.facts() | {"run": str(folder.path)} | ({"begins with": begun} if begun else {})
    reporter.started(facts, progress.step, setup.steps)
    make_folder(folder.samples)
    with _within_memory(folder, setup.config):
        try:
            return Trainer(folder, setup, progress, reporter).run()
        except DiskFullError as error:
            raise DiskFullError(error.lack, f"go on with: {folder.resuming}") from error


@contextmanager
def _within_memory(folder: RunFolder, config: RunConfig) -> Iterator[None]:
    """Say in one line what to lower, and how to go on, when memory does not suffice.

    Raises:
        ResourceError: If it does not.
    """
    try:
        yield
    except ResourceError as error:
        raise ResourceError(f"{error} {_last_checkpoint(folder)}") from error
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(
            f"Out of memory. A new run takes less with {smaller_settings(config)}. {_last_checkpoint(folder)}"
        ) from error


def _last_checkpoint(folder: RunFolder) -> str:
    if (saved := checkpoint.newest(folder.checkpoints)) is None:
        return "There is no checkpoint yet."
    return f"The last checkpoint is {saved}. Go on with: {folder.resuming}"


def _with_model(config: RunConfig) -> RunConfig:
    """Return the configuration with the folder of the model that the run begins with.

    Of a run it is that of its newest checkpoint, and of a name on a hub the one that was fetched, so that a run that is
    resumed has the same model, and needs no network for it.
    """
    if config.training.init is None:
        return config
    init = newest_state(config.training.init)
    return config.change(training={"init": os.path.abspath(init if os.path.exists(init) else find_model(init))})


def _concrete(config: RunConfig) -> RunConfig:
    """Return the configuration with everything that was left to the machine said."""
    return config.change(
        data={"path": config.data.path if is_url(config.data.path) else os.path.abspath(config.data.path)},
        training={
            "device": str(resolve_device(config.training.device)),
            "threads": config.training.threads or available_cpus(),
        },
    )


def newest_state(path: str | PathLike[str]) -> str | PathLike[str]:
    """Return where everything that a run has learned is: its newest checkpoint, which has all networks.

    Args:
        path: A run folder, or the folder of its checkpoints.

    Returns:
        The checkpoint's folder, which `i2i.translation.model.find_model` takes; or ``path`` where there is none.
    """
    folder = Path(path)
    return checkpoint.newest(RunFolder(folder).checkpoints) or checkpoint.newest(folder) or path


def initial_settings(model: str | PathLike[str]) -> dict[str, Any]:
    """Return what a run takes over from the model that it begins with, as a layer for `config.resolve`.

    These are recipe and parts with their options, direction, size and inference mode; and of course the weights.

    Args:
        model: A run folder, or whatever `i2i.translation.model.find_model` takes; see `newest_state`.

    Raises:
        I2iError: If there is no model, or it cannot be fetched.
        DataError: If its configuration is damaged.
        UsageError: If a newer i2i made it.
    """
    folder = find_model(newest_state(model))
    config = read_config(folder)
    unfilled_generator(folder, config)  # a model of who knows whom: the run would build whatever it asks for
    settings: dict[str, Any] = {part: component.model_dump() for part, component in config.selection.parts.items()}
    settings["recipe"] = config.selection.recipe.model_dump()
    settings["data"] = {"crop": config.size}
    settings["inference"] = {"mode": config.mode}
    settings["training"] = {"init": fspath(model)}
    if config.direction:
        settings["dataset"] = {"name": "pairs", "direction": config.direction}
    return settings


def begin(setup: Setup) -> str:
    """Load the weights that a run begins with; returns which and from where, in words, and none where all are drawn.

    Raises:
        I2iError: As `load_initial`.
    """
    loaded = load_initial(setup)
    if not loaded:
        return ""
    drawn = [name for name in setup.updater.parameters if name not in loaded]
    return f"{', '.join(loaded)} of {setup.config.training.init}" + (f"; {', '.join(drawn)} drawn" if drawn else "")


def load_initial(setup: Setup) -> list[str]:
    """Load the weights that a run begins with: of the generator, and of every other part that the model has.

    Returns:
        The parts that were loaded; none where the run begins with drawn weights.

    Raises:
        MissingInputError: If there is no model.
        DataError: If it is damaged.
        UsageError: If its weights do not fit the run's networks.
    """
    config, channels = setup.config, setup.channels
    if config.training.init is None:
        return []
    folder = find_model(newest_state(config.training.init))
    saved = read_config(folder)
    if (of_model := (saved.source.channels, saved.target.channels)) != channels:
        raise UsageError(
            f"training.init: the channels of source and target are {of_model[0]} and {of_model[1]} for the model in "
            f"{folder}, {channels[0]} and {channels[1]} in the data. Choose other columns or a direction, set "
            "dataset.source_channels and dataset.target_channels, or begin without the model."
        )
    parts = [part for part in config.selection.parts if saved.holds(part)]
    for part in parts:
        weights = load_weights(folder, saved, part)
        try:
            setup.recipe.get_submodule(part).load_state_dict(weights, strict=True)
        except RuntimeError as error:
            reason = _differences(config.selection, saved.selection, part) or str(error)
            raise UsageError(
                f"training.init: {misfit(folder, config.selection, part, reason)}. "
                "Leave those away: the model brings its own."
            ) from None
    return parts


def _differences(ours: Selection, theirs: Selection, part: str) -> str:
    """Say what of a part is otherwise in the model; nothing if all is the same."""
    mine, other = ours.parts[part], theirs.parts[part]
    if mine.name != other.name:
        return f"the model's {part} is {other.name!r}"
    return ", ".join(
        f"{option} is {value}, the model has {other.options[option]}"
        for option, value in mine.options.items()
        if option in other.options and other.options[option] != value
    )
