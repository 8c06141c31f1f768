"""Sets a run up: its data, its networks, their optimizers, and what they are measured on."""

import hashlib
import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from i2i.assembly import assemble
from i2i.choices import Component
from i2i.compute.gpu import laid_out, prefers_channels_last
from i2i.compute.precision import numbers_of
from i2i.config import RunConfig
from i2i.contracts import Recipe
from i2i.data.batches import steps_per_epoch
from i2i.data.dataset import open_pairs
from i2i.data.items import Items
from i2i.data.jitter import RECOLOURED, jitter_of
from i2i.data.loading import Loader
from i2i.data.resident import ResidentLoader, Rest, resting_place
from i2i.data.tables.ab import looks_in
from i2i.errors import MissingSplitError, UsageError
from i2i.fields import Fields, fields_of
from i2i.outputs import check_first
from i2i.pairs import Dataset
from i2i.plugins import lookup
from i2i.sections.data import crop_value
from i2i.serving import contracts_of
from i2i.system.devices import resolve_device
from i2i.training.criterion import Criterion, decide
from i2i.training.looks import measured_looks
from i2i.training.ranks import NO_OTHERS, Ranks
from i2i.training.rehearsal import rehearse
from i2i.training.reporting import Reporter
from i2i.training.schedules import check_warmup
from i2i.training.updates import Updater
from i2i.training.validation import Validator
from i2i.training.workload import Workload, workload
from i2i.translation.model import ModelConfig, Origin, origins
from i2i.translation.parts import translating
from i2i.translation.predictor import Predictor
from i2i.uncompiled import seed_torch


@dataclass(frozen=True)
class Setup:
    """What a run trains, on what; how far it has come is `i2i.training.state.Progress`."""

    config: RunConfig
    """What it does, with device and threads said."""
    device: torch.device
    items: Items
    """The training split, jittered."""
    fields: Fields
    """What the data has."""
    recipe: Recipe
    """The networks, on the device, as they were drawn from the seed."""
    updater: Updater
    validator: Validator
    criterion: Criterion
    ranks: Ranks = NO_OTHERS
    """The processes that train it together."""
    work: Workload | None = None
    """What a batch takes, where that was counted: of a new run on a CPU, which is told how long it will take."""

    @property
    def batch(self) -> int:
        """Return of how many items a step makes its updates, over all processes."""
        return self.config.training.batch_size * self.config.training.accumulate * self.ranks.count

    def items_of(self, step: int) -> int:
        """Return of how many items a step is, over all processes: fewer at the end of an epoch."""
        return min(self.batch, len(self.items) - step % self.steps_per_epoch * self.batch)

    @cached_property
    def steps_per_epoch(self) -> int:
        """Return how many steps visit every pair once."""
        return steps_per_epoch(len(self.items), self.batch)

    @property
    def steps(self) -> int:
        """Return how many steps the whole run has."""
        return self.config.training.steps or self.config.training.epochs * self.steps_per_epoch

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """Return how many training pairs there are, and a checksum of their names, as JSON."""
        names = self.items.dataset.names
        return {"count": len(names), "names": hashlib.sha256("\n".join(names).encode()).hexdigest()}

    @cached_property
    def _origins(self) -> dict[str, Origin]:
        return origins(self.config.selection)

    def predictors(self) -> list[Predictor]:
        """Return each translator of the recipe with its parts as they are now, in the mode of the run."""
        recipe, options = type(self.recipe), self.config.selection.recipe.options
        needed = translating(recipe, self.config.selection)
        parts = {part: self.translating(part) if part in needed else None for part in contracts_of(recipe)}
        mode = self.config.inference.mode
        return [Predictor(recipe, to, parts, self.fields, mode=mode, options=options) for to in recipe.translators]

    def translating(self, part: str) -> Any:
        """Return a part as a trained model has it: with the average of its weights where it has one to be used."""
        built = getattr(self.recipe, part)
        averaged = self.config.average.use and isinstance(built, nn.Module)
        return self.updater.averages.applied(part) if averaged else built

    def loader(self, start: int) -> Loader | ResidentLoader:
        """Load the batches of the run from a step on."""
        which: dict[str, Any] = {"batch_size": self.batch, "start": start, "stop": self.steps, "rank": self.ranks.rank}
        workers = self.config.data.workers
        if self.rests.on is None:
            return Loader(self.items, self.device, workers=workers, **which)
        last = prefers_channels_last(self.device)
        return ResidentLoader(
            self.items, self.device, place=self.rests.on, workers=workers, channels_last=last, **which
        )

    @cached_property
    def rests(self) -> Rest:
        """Return where the training split is kept once it was read."""
        return resting_place(self.items, self.device, self.config.data.cache)

    @cached_property
    def _looks(self) -> dict[str, Component]:
        return measured_looks(self.items, looks_in(self.config.data.path))

    def model_config(self, step: int) -> ModelConfig:
        """Describe the model that the run has after a step."""
        return ModelConfig(
            selection=self.config.selection,
            providers=self._origins,
            fields=dict(self.fields),
            size=self.fields.size,
            direction=str(self.config.dataset.options.get("direction", "")),
            mode=self.config.inference.mode,
            step=step,
            looks=self._looks,
        )


def set_up(config: RunConfig, reporter: Reporter, ranks: Ranks = NO_OTHERS, *, rehearsal: bool = True) -> Setup:
    """Open the data, draw the networks from the seed, and get ready what measures them.

    Sets the global generators and the number of torch's threads.

    Args:
        config: What the run does, with device and threads said.
        reporter: Is warned where there is nothing to measure on, or something that was said cannot be measured.
        ranks: The processes that train it together.
        rehearsal: Whether to rehearse a step, which a run that has made some needs no more.

    Raises:
        I2iError: If data, networks and sizes do not go together.
    """
    torch.set_num_threads(config.training.threads or 1)
    device = ranks.device(resolve_device(config.training.device))
    pairs = _open(config, "train")
    fields = Fields(fields_of(pairs), config.data.size)
    config = config.for_data(fields)
    for part in config.idle_parts():
        reporter.warned(f"{part} was set, and the recipe does not use it for this data and these options.")
    _check_colour(config, fields)
    items = Items(pairs, fields, jitter_of(config.data), config.training.seed)
    seed_everything(config.training.seed)
    recipe = assemble(config.selection, fields)
    laid_out(recipe, device)
    _check_size(config, recipe)
    held_out = _held_out(config, items, reporter)
    config, measures, criterion, unmeasured = decide(config, fields, held_out, device)
    if unmeasured:
        reporter.warned(f"{unmeasured[0].upper()}{unmeasured[1:]}: the model kept is the last one.")
    if config.training.patience and not criterion.figure:
        raise UsageError(
            f"training.patience is {config.training.patience}, and no model is the best: the run keeps "
            f"{criterion.about}. Say a figure with validation.select, or training.patience=null."
        )
    validator = Validator(
        items if held_out is None else held_out,
        held_out=held_out is not None,
        measures=measures,
        seed=config.training.seed,
        device=device,
    )
    numbers = numbers_of(config.training.precision, device)
    updater = Updater(recipe, config.optimizer.model_dump(), config.average.decays, numbers, ranks)
    setup = Setup(config, device, items, fields, recipe, updater, validator, criterion, ranks)
    check_warmup(config.schedule, setup.steps)
    batch_size, told = config.training.batch_size, device.type == "cpu" and ranks.first
    if rehearsal and rehearse(updater, config.selection, fields, batch_size, setup.steps) and told:
        setup = replace(setup, work=workload(recipe, fields, batch_size, setup.steps))
    check_first(recipe, type(recipe).wiring(fields, config.selection.recipe.options))
    return setup


def _open(config: RunConfig, split: str) -> Dataset:
    return open_pairs(config.data.path, split, name=config.dataset.name, options=config.dataset.options)


def _held_out(config: RunConfig, items: Items, reporter: Reporter) -> Items | None:
    try:
        return items.of(_open(config, "val"))
    except MissingSplitError:
        reporter.warned(
            f"{config.data.path} has no split 'val': samples are of what it trains on, the model kept is the last one."
        )
        return None


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, Python and numpy."""
    seed_torch(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def _check_colour(config: RunConfig, fields: Fields) -> None:
    """Refuse to change colours of sources that have none, or that are made as well."""
    recipe, field = lookup("recipe", config.selection.recipe.name).cls, fields.get(RECOLOURED)
    why = ""
    if field is None or field.kind != "image":
        why = "is no image"
    elif field.colours == "lab":
        why = "is the lightness of the target"
    elif RECOLOURED in recipe.translators:
        why = "is made too"
    if config.data.colour and why:
        raise UsageError(f"data.colour is {config.data.colour}, and the source {why}. Say data.colour=0.")


def _check_size(config: RunConfig, recipe: Recipe) -> None:
    """Refuse a size that one of the networks does not take."""
    height, width = config.data.size
    for part, network in recipe.named_children():
        multiple = int(getattr(network, "size_multiple", 1))
        if height % multiple or width % multiple:
            component = config.selection.network(part)
            nearest = dict.fromkeys(max(round(side / multiple), 1) * multiple for side in (height, width))
            options = ", ".join(f"{name}={value}" for name, value in component.options.items())
            raise UsageError(
                f"{part} {component.name!r} ({options}) takes sizes divisible by {multiple}, and data.crop is "
                f"{crop_value(config.data.size)}. Say --size {'x'.join(map(str, nearest))}, or change the options of "
                f"the {part}."
            )
