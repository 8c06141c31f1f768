"""Measures models and references on the same items."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from i2i.config import Mode
from i2i.errors import UsageError
from i2i.evaluation.asked import (
    CONFIG,
    known_fields,
    load_models,
    measures_of,
    options_said,
    reading_of,
)
from i2i.evaluation.columns import Column, columns
from i2i.evaluation.figures import Outcome, comparisons, ranks
from i2i.evaluation.held import hold
from i2i.evaluation.pictures import Pictures
from i2i.evaluation.results import Evaluation, Measured, Subject
from i2i.evaluation.subjects import Maker, references
from i2i.evaluation.words import sentences
from i2i.system.faults import naming_plugins

Progress = Callable[[int, int], None]
"""Hears how many items are measured, and how many there are."""


class Evaluator:
    """Measures models on held-out items, beside real images, blurred ones, and the mean of the training.

    Args:
        models: Model folders, runs, or names on a hub; each perhaps as ``NAME=PATH``.
        data: The dataset; that of the first run when not given.
        split: The part of it to measure on.
        to: The field to make, where models make several.
        metrics: Names of metrics; the usual ones when none is given, and ``all`` for all that can be measured.
        options: Options by metric, and under ``dataset`` those of the dataset.
        weights: File of weights for the metrics that are named and take one.
        judge: Judge for the metrics that are named and take one.
        mask: Field whose regions are measured besides: each class of ids, or where an image is brighter than gray.
        samples: Of each item of a model: from two on, how far they are from each other is measured too.
        mode: How models run; as each says itself when not given.
        size: Height and width to measure at; that of the first model when not given.
        limit: Items at most, spread evenly over the split.
        seed: Of the models' noise.
        with_references: Whether to measure what models are read beside.
        device: ``auto``, ``cpu``, ``cuda``, ...

    Raises:
        I2iError: If a model cannot be loaded, data cannot be read, or a metric that was named cannot measure it.
    """

    def __init__(
        self,
        models: Sequence[str],
        data: str | None = None,
        *,
        split: str = "test",
        to: str | None = None,
        metrics: Sequence[str] = (),
        options: Mapping[str, Mapping[str, Any]] = {},
        weights: str | None = None,
        judge: str | None = None,
        mask: str | None = None,
        samples: int = 1,
        mode: Mode | None = None,
        size: tuple[int, int] | None = None,
        limit: int | None = None,
        seed: int = 0,
        with_references: bool = True,
        device: str = "auto",
    ) -> None:
        if not models:
            raise UsageError("No model was given. Give a run's folder, or a model.")
        of_metrics = {name: values for name, values in options.items() if name != "dataset"}
        said = options_said(of_metrics, metrics, {"weights": weights, "judge": judge})
        self.models, folders = load_models(models, to=to, mode=mode, seed=seed, device=device)
        reading = reading_of(folders, self.models, options.get("dataset", {}))
        if (path := data or reading.path) is None:
            raise UsageError(f"No data was given, and there is no {CONFIG} of a run. Say --data DATASET.")
        first = self.models[0].translator
        self.to = first.to
        self.held = hold(
            *(path, split, known_fields(self.models), size or first.config.size, reading.dataset),
            keep=reading.keep,
            limit=limit,
            device=first.device,
        )
        aligned = self.held.fields.aligned(self.to, *first.predictor.sources)
        self.measures, self.notes = measures_of(metrics, said, self.to, self.held, aligned=aligned)
        self.samples = samples
        self.columns = list(columns(self.measures, self.to, self.held, mask=mask, samples=samples))
        self.makers: list[Maker] = [*self.models]
        if with_references:
            self.makers += references(self.held, self.to)

    @property
    def pictures(self) -> Pictures:
        """Return what pages show."""
        return Pictures(self.held, self.to, self.makers, self.measures)

    @naming_plugins()
    def run(self, on_progress: Progress = lambda done, total: None) -> Evaluation:
        """Measure everything.

        Args:
            on_progress: Is told how it goes.

        Raises:
            DataError: If an item cannot be read, or a model makes numbers that are not finite.
            I2iError: Whatever a metric refuses.
        """
        outcomes = self._outcomes(on_progress)
        subjects = [self._subject(maker, outcomes[maker.name]) for maker in self.makers]
        of_models = {subject.name: subject for subject in subjects if subject.is_model}
        measured = self._measured(outcomes)
        higher = {figure.name: figure.higher_is_better for figure in measured}
        for name, rank in ranks({name: subject.figures for name, subject in of_models.items()}, higher).items():
            of_models[name].rank = rank
        found = comparisons({name: outcomes[name] for name in of_models}, self.columns)
        return Evaluation(
            data=self.held.path,
            split=self.held.split,
            field=self.to,
            size=self.held.fields.size,
            resizing=self.held.resizing,
            count=len(self.held.indices),
            samples=self.samples,
            names=self.held.names,
            measured=measured,
            subjects=subjects,
            comparisons=found,
            sentences=sentences(list(of_models.values()), measured, found),
            notes=self.notes,
        )

    def _outcomes(self, on_progress: Progress) -> dict[str, dict[Column, Outcome]]:
        """Return what came of each maker in each column."""
        seen: dict[str, dict[Column, list[torch.Tensor]]] = {maker.name: {} for maker in self.makers}
        total = len(self.held.indices)
        for places, batch in self.held.batches():
            for maker in self.makers:
                made = maker.make(batch, places, pairs=True)
                for column in self.columns:
                    if made is not None and (of_items := column.see(maker, made, batch, places)) is not None:
                        seen[maker.name].setdefault(column, []).append(of_items)
            on_progress(places[-1] + 1, total)
        return {
            name: {column: Outcome(column, torch.cat(of_items)) for column, of_items in own.items()}
            for name, own in seen.items()
        }

    def _subject(self, maker: Maker, outcomes: Mapping[Column, Outcome]) -> Subject:
        items = {
            outcome.names[0]: [None if value != value else float(value) for value in outcome.items]
            for outcome in outcomes.values()
            if outcome.items is not None
        }
        figures = {name: figure for outcome in outcomes.values() for name, figure in outcome.figures().items()}
        return Subject(name=maker.name, is_model=maker.is_model, about=maker.about, figures=figures, items=items)

    def _measured(self, outcomes: Mapping[str, Mapping[Column, Outcome]]) -> list[Measured]:
        """Say what the figures are, in the order of the columns."""
        found: dict[str, Measured] = {}
        for column in self.columns:
            for own in outcomes.values():
                if column in own:
                    names = own[column].names
                    found |= {name: column.describe(name, own[column].count) for name in names if name not in found}
        return list(found.values())
