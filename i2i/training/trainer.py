"""The training loop: from the first step, or from a checkpoint, to the end."""

import hashlib
import shlex
import time
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from i2i import images
from i2i.assembly import assemble
from i2i.config import RunConfig
from i2i.contracts import Batch, Metric, Recipe
from i2i.data.jitter import jitter_of
from i2i.data.loading import Loaded, Loader, steps_per_epoch
from i2i.data.sides import sides_of
from i2i.data.tables.shards import is_url
from i2i.devices import resolve_device
from i2i.errors import I2iError, MissingSplitError, UsageError
from i2i.options import build
from i2i.pairs import PairDataset
from i2i.plugins import lookup
from i2i.reporting import Reporter
from i2i.training import checkpoint, state
from i2i.training.environment import describe_environment, differences
from i2i.training.folder import RunFolder
from i2i.training.initial import load_initial
from i2i.training.log import MetricsLog, NonFiniteError
from i2i.training.schedule import lr_factor
from i2i.training.signals import StopRequest, stop_on_signals
from i2i.training.updates import Updater
from i2i.training.validation import Validator
from i2i.translation.model import ModelConfig, origins, save_model

FLUSH_EVERY = 25  # steps whose losses wait on the device before one copy brings them all


class InterruptedRunError(I2iError):
    """The run was asked to stop; everything is saved."""

    exit_code = 75


class Outcome(NamedTuple):
    """What became of a run."""

    folder: Path
    step: int
    best: dict[str, Any] | None
    """Step and figures of the best model, where there was something to validate on."""
    seconds: float
    """Of this call, not of calls before it."""


class Trainer:
    """One run.

    Args:
        folder: Where it lives.
        config: What it does, with device and threads said.
        reporter: Who is told.

    Raises:
        I2iError: If data, networks and sizes do not go together.
    """

    def __init__(self, folder: RunFolder, config: RunConfig, reporter: Reporter) -> None:
        self.folder, self.reporter = folder, reporter
        torch.set_num_threads(config.training.threads or 1)
        self.device = resolve_device(config.training.device)
        self.pairs = self._dataset(config, "train")
        self.jitter = jitter_of(config.data.crop, config.data.resize, config.data.mirror)
        self.source, self.target = sides_of(self.pairs)
        self.per_epoch = steps_per_epoch(len(self.pairs), config.training.batch_size)
        self.total = config.training.steps or config.training.epochs * self.per_epoch
        self.config = config
        state.seed_everything(config.training.seed)
        self.recipe: Recipe = assemble(config.selection, *self.channels).to(self.device)
        self._check_size()
        self.updater = Updater(self.recipe, lr=config.optimizer.lr, betas=config.optimizer.betas)
        self.validator, self.validates = self._validator()
        self.metrics: dict[str, Metric] = {
            name: build(lookup("metric", name).cls, options={}, owner=f"metric {name!r}")
            for name in config.validation.metrics
        }
        self.step = self.saved = self.validated = 0
        self.best: dict[str, Any] | None = None
        self.begun = ""

    @property
    def channels(self) -> tuple[int, int]:
        """Of the sources, and of the targets."""
        return self.source.channels, self.target.channels

    def begin(self) -> None:
        """Load the weights that the run begins with, where they are not drawn.

        Raises:
            I2iError: If they cannot be had, or do not fit; see `i2i.training.initial.load_initial`.
        """
        if loaded := load_initial(self.recipe, self.config, self.channels):
            drawn = [name for name in self.updater.parameters if name not in loaded]
            self.begun = f"{', '.join(loaded)} of {self.config.training.init}"
            self.begun += f"; {', '.join(drawn)} drawn" if drawn else ""

    def resume(self) -> Outcome:
        """Go on from the last checkpoint, or from the beginning if there is none."""
        saved, damaged = checkpoint.load(self.folder.checkpoints)
        for line in damaged:
            self.reporter.warned(f"{line} Going on from the checkpoint before it.")
        if before := self.folder.read_environment():
            for line in differences(before, describe_environment(self.config.selection)):
                self.reporter.warned(f"The run may not repeat to the bit: {line}.")
        self.folder.write_config(self.config)
        if saved is None:
            self.reporter.warned("There is no checkpoint yet: the run starts afresh.")
            self.begin()
            return self.run()
        if saved.state["total"] != self.total and self.config.schedule.name != "constant":
            self.reporter.warned(
                f"The run now has {self.total} steps instead of {saved.state['total']}: "
                "its learning rate follows the new length."
            )
        if saved.state["pairs"] != self._fingerprint:
            self.reporter.warned("The training pairs are not the ones this run began with: their order changes.")
        self.step = self.saved = saved.state["step"]
        self.validated = saved.state["validated"]
        self.best = saved.state["best"]
        state.restore_recipe(self.recipe, saved.weights, saved.tensors["recipe"])
        state.restore_optimizers(self.updater, saved.tensors["optimizers"], saved.state["optimizers"])
        state.restore_rng(saved.tensors["rng"], saved.state["rng"])
        return self.run(saved.state["log_bytes"])

    def run(self, log_bytes: int = 0) -> Outcome:
        """Train to the end, or until a signal.

        Args:
            log_bytes: How much of the metrics log belongs to the state that the run goes on from.

        Raises:
            InterruptedRunError: If a signal stopped it; everything is saved.
        """
        began = time.monotonic()
        self.reporter.started(self._facts(), self.step, self.total)
        training, data = self.config.training, self.config.data
        loader = Loader(
            self.pairs,
            self.jitter,
            seed=training.seed,
            batch_size=training.batch_size,
            start=self.step,
            stop=self.total,
            workers=data.workers,
        )
        if self.validates and self.step < self.total:
            # what cannot be measured should be known before hours of training, not after
            self.validator.measure(self.recipe.get_submodule("generator"), self.metrics, 1)
        self.log = MetricsLog(self.folder.metrics, log_bytes)
        try:
            with stop_on_signals() as stop:
                if self.step > self.validated and self._is_due():
                    self._validate()  # a held-out image that could not be read stopped the run here
                    self._save()
                self._train(loader, stop)
        finally:
            loader.close()
            self.log.close()
        return Outcome(self.folder.path, self.step, self.best, time.monotonic() - began)

    def _train(self, loader: Loader, stop: StopRequest) -> None:
        batches = iter(loader)
        while self.step < self.total:
            try:
                loaded = next(batches)
            except I2iError:
                if self.step > self.saved:
                    self._save()  # what was learned before the image that cannot be read
                raise
            self._advance(loaded)
            signal = stop.signal  # read once: it may come at any instant
            self._record(stopping=signal is not None)
            if signal is not None and self.step < self.total:
                raise InterruptedRunError(
                    f"{signal.name} at step {self.step} of {self.total}: everything is saved. "
                    f"Go on with: i2i train --resume {shlex.quote(str(self.folder.path))}"
                )

    def _advance(self, loaded: Loaded) -> None:
        epoch = self.step // self.per_epoch
        lr = self.config.optimizer.lr * lr_factor(self.config.schedule, self.step, self.total)
        self.updater.set_lr(lr)
        losses = self._update(loaded.batch)
        self.step += 1
        self.log.add(self.step, loaded.names, losses, epoch=epoch + 1, lr=lr)

    def _record(self, stopping: bool) -> None:
        """Log, validate and save, whatever is due after this step."""
        validating = self._is_due()
        saving = self.step == self.total or stopping or self.step % self.config.training.checkpoint_every == 0
        if validating or saving or self.log.pending >= FLUSH_EVERY:
            self._flush()
        if validating:
            self._check_finite()
            try:
                self._validate()
            except I2iError:
                self._save()  # what was learned before the held-out image that cannot be read
                raise
        if saving:
            self._save()

    def _is_due(self) -> bool:
        """Whether this step is one to validate after."""
        return self.step == self.total or self.step % self.config.validation.every == 0

    def _update(self, batch: Batch) -> dict[str, Tensor]:
        batch = Batch(*(side.to(self.device, non_blocking=True) for side in batch))
        try:
            return self.updater.step(batch)
        except ValueError as error:
            raise UsageError(f"recipe {self.config.selection.recipe.name!r}: {error}") from error

    def _flush(self) -> None:
        """Write the losses of the steps since the last time."""
        if rows := self.log.flush():
            self.reporter.advanced(rows[-1])

    def _check_finite(self) -> None:
        """Refuse weights that a step has ruined: neither a model nor a checkpoint may hold them."""
        values = state.recipe_state(self.recipe)
        finite = torch.stack([value.isfinite().all() for value in values.values()]).tolist()
        if not all(finite):
            raise NonFiniteError(
                f"{list(values)[finite.index(False)]!r} is not finite after step {self.step}, though the losses were. "
                "Begin a run with a lower optimizer.lr. No checkpoint holds it."
            )

    def _validate(self) -> None:
        settings = self.config.validation
        generator = self.recipe.get_submodule("generator")
        grid = self.validator.grid(generator, settings.samples)
        images.write(self.folder.samples / f"step-{self.step:09d}.png", grid)
        if self.validates:
            self._measure(generator)
        self.validated = self.step

    def _measure(self, generator: nn.Module) -> None:
        """Figures of the held-out pairs, and the best model."""
        settings = self.config.validation
        figures = self.validator.measure(generator, self.metrics, settings.images)
        better = self._is_better(figures[settings.select])
        if better:
            self.best = {"step": self.step, **figures}
            # before the checkpoint: killed in between, the resumed run writes the same bytes again
            self._export(self.folder.model)
        self.log.note(step=self.step, validation=figures)
        self.reporter.validated(self.step, figures, better)

    def _is_better(self, figure: float) -> bool:
        name = self.config.validation.select
        if self.best is None:
            return True
        before = float(self.best[name])
        return figure > before if self.metrics[name].higher_is_better else figure < before

    def _save(self) -> None:
        self._flush()
        self._check_finite()
        self._export(self.folder.last_model)
        if not self.validates:
            self._export(self.folder.model)
        optimizers, groups = state.optimizer_state(self.updater)
        rng, generators = state.rng_state()
        weights, own = self._by_part()
        tensors = {"recipe": own, "optimizers": optimizers, "rng": rng}
        facts = {
            "step": self.step,
            "total": self.total,
            "validated": self.validated,
            "best": self.best,
            "pairs": self._fingerprint,
            "log_bytes": self.log.sync(),
            "optimizers": groups,
            "rng": generators,
        }
        saved = checkpoint.Checkpoint(facts, tensors, self._model_config(), weights)
        checkpoint.save(self.folder.checkpoints, self.step, saved, self.config.training.keep)
        self.saved = self.step

    def _by_part(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
        return state.by_part(self.recipe, self.config.selection.parts)

    def _export(self, folder: Path) -> None:
        weights, _ = self._by_part()
        wanted = {"generator", *(self.updater.parameters if self.config.training.export == "all" else ())}
        save_model(folder, self._model_config(), {part: weights[part] for part in weights if part in wanted})

    def _model_config(self) -> ModelConfig:
        return ModelConfig(
            selection=self.config.selection,
            providers=origins(self.config.selection),
            source=self.source,
            target=self.target,
            size=self.config.data.crop,
            direction=str(self.config.dataset.options.get("direction", "")),
            mode=self.config.inference.mode,
            step=self.step,
        )

    def _dataset(self, config: RunConfig, split: str) -> PairDataset:
        name = config.dataset.name
        path = config.data.path
        wiring = (path if is_url(path) else Path(path), split)
        dataset: PairDataset = build(
            lookup("dataset", name).cls, *wiring, options=config.dataset.options, owner=f"dataset {name!r}"
        )
        return dataset

    def _validator(self) -> tuple[Validator, bool]:
        """What draws samples, and whether its pairs are held out, so that there is something to measure on."""
        held_out = True
        try:
            pairs = self._dataset(self.config, "val")
        except MissingSplitError:
            pairs, held_out = self.pairs, False
            self.reporter.warned(
                f"{self.config.data.path} has no split 'val': samples are training pairs, the model is the last one."
            )
        validator = Validator(
            pairs,
            self.jitter,
            mode=self.config.inference.mode,
            seed=self.config.training.seed,
            device=self.device,
            channels=self.channels,
            colours=self.target.colours,
        )
        return validator, held_out

    def _check_size(self) -> None:
        crop = self.config.data.crop
        multiple = int(getattr(self.recipe.get_submodule("generator"), "size_multiple", 1))
        if crop % multiple:
            component = self.config.selection.parts["generator"]
            options = ", ".join(f"{name}={value}" for name, value in component.options.items())
            raise UsageError(
                f"generator {component.name!r} ({options}) takes sizes divisible by {multiple}, "
                f"and data.crop is {crop}. Change data.crop, or the generator's options."
            )

    @cached_property
    def _fingerprint(self) -> dict[str, Any]:
        return {"count": len(self.pairs), "names": hashlib.sha256("\n".join(self.pairs.names).encode()).hexdigest()}

    def _facts(self) -> dict[str, str]:
        counts = {name: sum(p.numel() for p in ps) for name, ps in self.updater.parameters.items()}
        networks = ", ".join(f"{name} {count / 1e6:.1f} M" for name, count in counts.items())
        layout = getattr(self.pairs, "layout", None)
        return {
            "recipe": self.config.selection.recipe.name,
            "networks": f"{networks} parameters",
            "data": f"{len(self.pairs)} training pairs" + (f", layout {layout}" if layout else "") + self._columns(),
            "images": f"{self.source.channels} -> {self.target.channels} channels, {self.config.data.crop} px",
            "device": f"{self.device}, {self.config.training.threads} threads",
            "run": str(self.folder.path),
        } | ({"begins with": self.begun} if self.begun else {})

    def _columns(self) -> str:
        """What is turned into what, where the dataset says so."""
        source, target = (" and ".join(column.name for column in side.columns) for side in (self.source, self.target))
        return f", {source or 'lightness'} -> {target}" if target else ""
