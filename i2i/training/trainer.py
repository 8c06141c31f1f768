"""The training loop: the steps of a run, and what is logged, measured and saved after them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from i2i.compute.gpu import sent
from i2i.contracts import Clock
from i2i.data.loading import Loaded, Loader
from i2i.data.resident import ResidentLoader
from i2i.errors import I2iError, RankGoneError, things
from i2i.parameters import given_to
from i2i.system.faults import naming_plugins
from i2i.training.captured import Captured, recorder_for
from i2i.training.choice import Choice, finite
from i2i.training.compiled import SETTLED, Compiling
from i2i.training.folder import RunFolder
from i2i.training.health import Health
from i2i.training.module_state import kept
from i2i.training.pictures import Pictures
from i2i.training.portions import Portion, divided
from i2i.training.recompute import Recomputing
from i2i.training.reporting import MetricsLog, NonFiniteError, ReadingNotes, Reporter, UnwrittenLog
from i2i.training.saving import Saving
from i2i.training.schedules import factor_at
from i2i.training.setup import Setup
from i2i.training.state import Progress
from i2i.training.stopping import InterruptedRunError, StopRequest
from i2i.training.updates import Applied
from i2i.translation.predictor import Predictor

AGAIN = 2.0
"""Seconds in which a signal that comes again is the same one, where there are several processes."""

STOP, DRAW = 1, 2
"""What a process asks for after a step: that all stop, or that samples are drawn."""


class Outcome(NamedTuple):
    """What became of a run."""

    folder: Path
    step: int
    begun: int
    """Step that this call went on from; the same as ``step`` where nothing was left to do."""
    best: dict[str, Any] | None
    """Step and figures of the best model, where there was something to validate on."""
    seconds: float
    """Of this call, not of calls before it."""
    early: str = ""
    """Why the run ended before its last step; empty where it did not."""

    @property
    def words(self) -> str:
        """Say how far the run came, and why no further."""
        return f"{things(self.step, 'step')}{f', ended early: {self.early}' if self.early else ''}"


class Trainer:
    """Goes through the steps of one run.

    Args:
        folder: Where it lives; nobody else trains in it.
        setup: What it trains, on what.
        progress: How far it has come.
        reporter: Who is told.
    """

    def __init__(self, folder: RunFolder, setup: Setup, progress: Progress, reporter: Reporter) -> None:
        self.folder, self.setup, self.progress, self.reporter = folder, setup, progress, reporter
        self.config, self.ranks = setup.config, setup.ranks
        self.saving = Saving(folder, setup, progress)
        self.notes = ReadingNotes()
        self.recomputing = Recomputing(setup.recipe.children()) if self.config.training.recompute else nullcontext()
        self.pictures = Pictures(folder.samples, setup.config.validation.sample_minutes, self._is_due)
        self.choice = Choice(setup.criterion, setup.validator.measures, self.config.training.patience, progress)
        self.health = Health(setup.recipe, setup.config, setup.fields)
        self.compiling = self._compiling() if self.config.training.compile else None
        recorder = recorder_for(setup.device) if self.config.training.capture and self.ranks.alone else None
        later = SETTLED if self.compiling else 0
        self._make = Captured(self._update, setup.updater, recorder, reporter.warned, later)

    def run(self) -> Outcome:
        """Train to the end, or until a signal.

        Raises:
            InterruptedRunError: If a signal stopped it; everything is saved.
            I2iError: If an image cannot be read, a loss is not finite, or something cannot be written.
        """
        began = time.monotonic()
        setup, progress = self.setup, self.progress
        begun = progress.step
        with self.ranks.agreeing():
            if setup.validator.held_out and progress.step < setup.steps and self.ranks.first:
                # what cannot be measured or saved should be known before hours of training, not after
                self.choice.check(setup.validator.measure(setup.predictors(), 1))
            kept(setup.recipe)
            self.saving.exported()
        with (
            closing(setup.loader(progress.step)) as loader,
            closing(self._log()) as self.log,
            StopRequest(again=0 if self.ranks.alone else AGAIN) as stop,
            self.saving.saver,
        ):
            self.pictures.forget(progress.step)
            if not progress.step:
                self._validate(drawing_alone=True)
            elif progress.step > progress.validated and self._is_due(progress.step):
                self._validate()  # a held-out image that could not be read stopped the run here
                self._save()
            self._train(loader, stop)
            self.saving.saver.wait()
        return Outcome(self.folder.path, progress.step, begun, progress.best, time.monotonic() - began, self._early)

    def _log(self) -> MetricsLog:
        return MetricsLog(self.folder.metrics, self.progress.log_bytes) if self.ranks.first else UnwrittenLog()

    def _train(self, loader: Loader | ResidentLoader, stop: StopRequest) -> None:
        batches = iter(loader)
        while self.progress.step < self.setup.steps and not self._early:
            self._advance(self._next(batches))
            # read once: a signal may come at any instant, and what the clock says is another time for each process
            wishes = self.ranks.told(STOP * stop.came | DRAW * self.pictures.is_due(self.progress.step))
            stopping = any(wish & STOP for wish in wishes)
            self._record(stopping, drawing=bool(wishes[0] & DRAW))
            self.saving.saver.check()
            if stopping and self.progress.step < self.setup.steps and not self._early:
                self.saving.saver.wait()
                raise InterruptedRunError(
                    f"Stopped at step {self.progress.step}; saved. Go on with: {self.folder.resuming}"
                )

    def _next(self, batches: Iterator[Loaded]) -> Loaded:
        """Return the next batch, if every process has one: the step is one of all."""
        loaded: Loaded | None = None
        failed: I2iError | None = None
        try:
            with self.health.waiting():
                loaded = next(batches)
        except I2iError as error:
            failed = error
        try:
            self.ranks.check(failed)
        except RankGoneError:
            raise
        except I2iError:
            if self.progress.step > self.saving.step:
                self._save()  # what was learned before the image that cannot be read
            self.saving.wait()
            raise
        assert loaded is not None  # else the check has raised
        return loaded

    def _advance(self, loaded: Loaded) -> None:
        """Make one step."""
        done = self.progress.step
        clock = Clock(done, self.setup.steps, done // self.setup.steps_per_epoch)
        factor = factor_at(self.config.schedule, done, clock.total)
        self.setup.updater.scale(factor)
        applied = self._make(sent(loaded.batch, self.setup.device), clock)
        self.progress.step = done + 1
        self.log.add(done + 1, loaded.names, applied, epoch=clock.epoch + 1, lr=self.config.optimizer.lr * factor)
        self.notes.add(loaded)

    def _update(self, batch: Mapping[str, Tensor], clock: Clock) -> Applied:
        step, fields = self.setup.recipe.step, self.setup.fields
        whole = self.setup.items_of(clock.step)
        portions = divided(batch, self.config.training.batch_size, whole, self.ranks.rank)
        compiled = self.compiling.step() if self.compiling else nullcontext()
        with naming_plugins(type(self.setup.recipe)), self.recomputing, compiled:
            return self.setup.updater.step_in(
                [Portion(given_to(step, batch, fields, clock), share) for batch, share in portions]
            )

    def _compiling(self) -> Compiling:
        setup, left = self.setup, self.setup.steps - self.progress.step
        return Compiling(setup.updater.networks.values(), setup.device, left, self.reporter.warned)

    def _record(self, stopping: bool, *, drawing: bool) -> None:
        """Log, draw, validate and save, whatever is due after this step."""
        step = self.progress.step
        validating = self._is_due(step)
        drawing = drawing or validating
        saving = step == self.setup.steps or stopping or step % self.config.training.checkpoint_every == 0
        if drawing or saving or self.log.is_full:
            self._flush()
        if validating or saving or step % self.setup.steps_per_epoch == 0:
            for line in self.notes.say():
                self.reporter.warned(line)
        if drawing:
            self._check_finite()
            try:
                self._validate(drawing_alone=not validating)
            except I2iError:
                self._save()  # what was learned before the held-out image that cannot be read
                self.saving.wait()
                raise
        if saving or (validating and self._early):
            self._save()
        else:
            self.saving.save_best()

    @property
    def _early(self) -> str:
        """Say why the run ends before its last step; nothing if it does not."""
        return self.choice.early if self.progress.step < self.setup.steps else ""

    def _is_due(self, step: int) -> bool:
        """Return whether a step is one to validate after."""
        return step == self.setup.steps or step % self.config.validation.every == 0

    def _flush(self) -> None:
        """Write the losses of the steps since the last time."""
        if rows := self.log.flush():
            self.reporter.advanced(rows)
            for line in self.health.advanced(rows):
                self.reporter.warned(line)

    def _check_finite(self) -> None:
        """Refuse weights that a step has ruined: neither a model nor a checkpoint may hold them."""
        values = kept(self.setup.recipe).tensors
        # whatever is not finite makes a sum so, which is found in a tenth of the time
        sums = torch.stack([value.sum().to(self.setup.device, torch.float32) for value in values.values()])
        if sums.isfinite().all():
            return
        finite = torch.stack([value.isfinite().all().to(self.setup.device) for value in values.values()]).tolist()
        if not all(finite):
            raise NonFiniteError(
                f"{list(values)[finite.index(False)]!r} is not finite after step {self.progress.step}, "
                "though the losses were. Begin a run with a lower optimizer.lr. No checkpoint holds it."
            )

    def _validate(self, *, drawing_alone: bool = False) -> None:
        """Draw samples, and measure where there are held-out pairs, in the first process; the others hear how it went.

        Args:
            drawing_alone: Whether nothing is measured.
        """
        with self.ranks.agreeing():
            if self.ranks.first:
                predictors = self.setup.predictors()
                self._draw(predictors)
                if self.setup.validator.held_out and not drawing_alone:
                    self._measure(predictors)
        if not drawing_alone:
            self.progress.stale = self.ranks.told(self.progress.stale)[0]
            self.progress.validated = self.progress.step

    @naming_plugins()
    def _draw(self, predictors: Sequence[Predictor]) -> None:
        """Draw samples."""
        step = self.progress.step
        rows = self.setup.validator.rows(predictors, self.config.validation.samples)
        self.reporter.pictured(step, self.pictures.draw(step, rows, list(self.setup.fields)))
        for line in self.health.pictured(step, rows, self.setup.validator.reactions(predictors)):
            self.reporter.warned(line)

    @naming_plugins()
    def _measure(self, predictors: Sequence[Predictor]) -> None:
        """Measure held-out items, and keep the model if it is the best."""
        step = self.progress.step
        figures = self.setup.validator.measure(predictors, self.setup.criterion.images)
        if not figures:
            return
        better = self.choice.judge(figures)
        self.saving.best_is_new |= better
        self.log.note(step=step, validation=finite(figures))
        self.reporter.validated(step, figures, better)

    def _save(self) -> None:
        """Save a checkpoint and the models, if no step has ruined them."""
        self._flush()
        self._check_finite()
        self.saving.save(self.log)
