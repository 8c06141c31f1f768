"""Begins and resumes runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import isclose
from pathlib import Path
from typing import Any

from i2i.compute.gpu import tuned
from i2i.compute.precision import numbers_of
from i2i.config import RunConfig
from i2i.data.order import keyed
from i2i.errors import DiskFullError, UsageError, things
from i2i.places import is_url
from i2i.system.devices import available_cpus, resolve_device
from i2i.system.faults import naming_plugins
from i2i.system.files import make_folder
from i2i.training import checkpoint
from i2i.training.checkpoint import Checkpoint
from i2i.training.estimate import estimated
from i2i.training.facts import facts_of
from i2i.training.folder import RunFolder, describe_environment, differences
from i2i.training.initial import begin, with_found_model
from i2i.training.loggers import ending, told
from i2i.training.memory import within_memory
from i2i.training.ranks import Ranks, joined
from i2i.training.reporting import Reporter, Unheard
from i2i.training.schedules import factor_at, follows_length
from i2i.training.setup import Setup, seed_everything, set_up
from i2i.training.state import Progress, put_back, restore
from i2i.training.trainer import Outcome, Trainer

RESUMABLE = {
    "data": {"path", "workers", "cache"},
    "optimizer": {"lr"},
    "plugins": {"files"},
    "schedule": {"name", "warmup", "decay_start", "at", "factor"},
    "training": {
        *("epochs", "steps", "patience", "recompute", "device", "precision", "compile", "capture"),
        *("checkpoint_every", "keep", "export", "loggers"),
    },
    "validation": {"every", "images", "samples", "sample_minutes"},
}
"""What may change when a run is resumed. Of these, only device and precision, the learning rate and its schedule, and
with a schedule the length of the run decide what its steps compute."""


def train(config: RunConfig, out: Path, reporter: Reporter | None = None) -> Outcome:
    """Begin a run in a new folder; the global generators and torch's threads are put back after it.

    Raises:
        I2iError: If something is wrong that a person can mend.
        InterruptedRunError: If SIGINT or SIGTERM stopped it; everything is saved.
    """
    folder, reporter = RunFolder(out), reporter or Reporter()
    with _together(folder, config) as ranks:
        with ranks.agreeing():
            if ranks.first:
                folder.check_free()
                folder.sweep()
            reporter = told(reporter, config, folder.path) if ranks.first else Unheard()
            with _fetching(config, ranks):
                setup = set_up(_concrete(with_found_model(config), ranks), reporter, ranks)
                begun = _begin(setup)
            if ranks.first:
                folder.write_config(setup.config)
                folder.write_environment(describe_environment(setup.config))
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
        for option in _said(values):
            if option.rpartition(".")[2] not in RESUMABLE.get(section, set()):
                raise UsageError(f"{section}.{option} cannot change when a run is resumed. Start a new run with --out.")
    folder, reporter = RunFolder(path), reporter or Reporter()
    config = folder.read_config(changes.get("plugins", {})).change(**changes)
    with _together(folder, config) as ranks:
        with ranks.agreeing():
            if ranks.first:
                folder.sweep()
            reporter = told(reporter, config, folder.path) if ranks.first else Unheard()
            with _fetching(config, ranks):
                setup = set_up(_concrete(config, ranks), reporter, ranks, rehearsal=False)
            with ranks.in_turn():  # the first removes what was never committed
                progress, begun = _go_back(folder, setup, reporter)
        return _run(folder, setup, progress, reporter, begun)


@contextmanager
def _together(folder: RunFolder, config: RunConfig) -> Iterator[Ranks]:
    """Meet the other processes of the run, the first of which holds its folder, and put back what is global after it.

    It is held before all that takes long: a second start is refused at once.
    """
    with (
        joined(config.training.device) as ranks,
        folder.held() if ranks.first else nullcontext(),
        within_memory(folder, config),
        naming_plugins(),
        put_back(),
    ):
        yield ranks


def _fetching(config: RunConfig, ranks: Ranks) -> AbstractContextManager[None]:
    """Let one process fetch what all need, where something is to be fetched."""
    return ranks.in_turn() if config.training.init or is_url(config.data.path) else nullcontext()


def _begin(setup: Setup) -> str:
    """Begin with a model as `begin`, and let every process but the first draw other numbers from there on."""
    begun = begin(setup)
    if not setup.ranks.first:
        seed_everything(keyed(setup.config.training.seed, "process", setup.ranks.rank.number).getrandbits(63))
    return begun


def _said(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield every option that is said, of single networks as ``network.option``."""
    for option, value in values.items():
        yield from (f"{option}.{inner}" for inner in value) if isinstance(value, Mapping) else (option,)


def _go_back(folder: RunFolder, setup: Setup, reporter: Reporter) -> tuple[Progress, str]:
    """Load the last checkpoint, or begin where there is none; returns what the run begins with besides."""
    saved, damaged = checkpoint.load(folder.checkpoints)
    for line in damaged:
        reporter.warned(f"{line} Going on from the checkpoint before it.")
    for line in _departures(folder, setup, saved):
        reporter.warned(line)
    if setup.ranks.first:
        folder.write_config(setup.config)
    return (Progress(), _begin(setup)) if saved is None else (restore(setup, saved), "")


def _departures(folder: RunFolder, setup: Setup, saved: Checkpoint | None) -> Iterator[str]:
    """Yield one line about each thing by which the run will not go on as it began."""
    if before := folder.read_environment():
        for line in differences(before, describe_environment(setup.config)):
            yield f"The run may not repeat to the bit: {line}."
    if saved is None:
        yield "There is no checkpoint yet: the run starts afresh."
        return
    recorded = folder.read_config(setup.config.plugins.model_dump())
    yield from _other_rates(recorded, setup, saved.state["step"], saved.state["total"])
    if saved.state["pairs"] != setup.fingerprint:
        yield "The training pairs are not the ones this run began with: their order changes."


def _other_rates(before: RunConfig, setup: Setup, step: int, total: int) -> Iterator[str]:
    """Say how learning rates go on after a step that do not as they would have: by settings, or by a new length."""
    if step >= setup.steps:
        return
    schedule, networks = setup.config.schedule, list(setup.updater.optimizers)
    length = f"its schedule follows the new length of {things(setup.steps, 'step')} (was {total})"
    follows = setup.steps != total and follows_length(schedule)
    end = total - 1 if follows_length(before.schedule) else step
    was, expected = (factor_at(before.schedule, at, total) for at in (step - 1, min(step, end)))
    factor = factor_at(schedule, step, setup.steps)
    jumps: dict[tuple[float, float], list[str]] = {}
    for network in networks:
        old, new = before.optimizer.of(network).lr, setup.config.optimizer.of(network).lr
        if not isclose(new * factor, old * expected):
            jumps.setdefault((old * was, new * factor), []).append(network)
    if follows and not jumps:
        yield f"The learning rate: {length}."
    for (last, now), those in jumps.items():
        whose = "" if those == networks else f" of {' and '.join(those)}"
        jump = f"The learning rate{whose} was {last:.3g} at step {step} and is {now:.3g} at step {step + 1}"
        own = whose or any("lr" in setup.config.optimizer.networks.get(network, {}) for network in those)
        keys = [f"optimizer.{network}" for network in those] if own else ["optimizer"]
        constant = [f"--set schedule.{said}" for said in ("name=constant", *(["warmup=0"] if schedule.warmup else []))]
        keep = " ".join([*constant, *(f"--set {key}.lr={last:.3g}" for key in keys)])
        yield f"{jump}: {length}. To keep the old end, resume with {keep}." if follows else f"{jump}."


def _run(folder: RunFolder, setup: Setup, progress: Progress, reporter: Reporter, begun: str) -> Outcome:
    facts = facts_of(setup) | {"run": str(folder.path)} | ({"begins with": begun} if begun else {})
    if takes := estimated(setup):
        facts["takes"] = takes
    reporter.started(facts, progress.step, setup.steps)
    if setup.ranks.first:
        make_folder(folder.samples)
    with ending(reporter), tuned(setup.device):
        try:
            outcome = Trainer(folder, setup, progress, reporter).run()
        except DiskFullError as error:
            raise DiskFullError(error.lack, f"go on with: {folder.resuming}") from error
    reporter.ended(f"Done: {outcome.words}.")
    return outcome


def _concrete(config: RunConfig, ranks: Ranks) -> RunConfig:
    """Return the configuration with everything that was left to the machine said."""
    device = resolve_device(config.training.device)
    return config.change(
        data={"path": config.data.path if is_url(config.data.path) else os.path.abspath(config.data.path)},
        training={
            "device": str(device),
            "precision": numbers_of(config.training.precision, device),
            "threads": config.training.threads or max(1, available_cpus() // ranks.rank.local_count),
        },
    )
