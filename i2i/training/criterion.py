"""Decides what a run measures, and by which figure it chooses its best model, where that is left to it.

Of images these are distances of pixels, and the best model is the nearest. A recipe with an adversarial loss learns to
draw what nobody can know: by such a distance its best model would be the blurriest, so it has a criterion of its own.
"""

from functools import cached_property
from typing import NamedTuple

import torch

from i2i.choices import Component
from i2i.config import ADVERSARIAL_CRITERION, CRITERIA, METRICS, RunConfig
from i2i.data.items import Items
from i2i.errors import UnknownNameError, UsageError
from i2i.evaluation.measuring import Batch, Measure, compares_pairs
from i2i.fields import Fields
from i2i.parameters import fields_asked
from i2i.parts import Adversarial
from i2i.plugins import lookup
from i2i.selection import Selection
from i2i.serving import contracts_of
from i2i.training.rehearsal import undrawn

IMAGES, IMAGES_OF_SETS = 64, 256
"""Items that are measured unless told otherwise: where each has its figure, and where a set is compared with a set."""

ENOUGH = 10
"""Items with which a comparison of sets tells models apart: KID of facades blurred by sigma 0.8 is below that of others
blurred by 1 in 189 of 200 draws of 5, in 199 of 10, and in all of 20 (``benchmarks/set_metrics.py``)."""

REFUSALS = (UsageError, UnknownNameError)
"""What a metric raises that is not installed, lacks its weights, or takes no such images."""


class Criterion(NamedTuple):
    """By what a run chooses its best model."""

    figure: str
    """Such as ``segmentation/iou``; empty where the last model is kept."""
    images: int
    """Items that are measured."""
    about: str
    """Which model is kept, in words, with the reason."""

    @property
    def metric(self) -> str:
        """Return the metric that the figure is one of."""
        return metric_of(self.figure)


class Decided(NamedTuple):
    """What a run measures."""

    config: RunConfig
    """With all said that was left to the run: one that is resumed decides nothing anew."""
    measures: dict[str, Measure]
    criterion: Criterion
    unmeasured: str
    """Why a criterion that was said cannot be measured, in words; else empty."""


def metric_of(figure: str) -> str:
    """Return the metric that a figure is one of.

    Example:
        >>> metric_of("segmentation/iou"), metric_of("l1")
        ('segmentation', 'l1')
    """
    return figure.partition("/")[0]


def decide(config: RunConfig, fields: Fields, held_out: Items | None, device: torch.device) -> Decided:
    """Decide what is measured, of how many items, and by what the best model is chosen; draws no random number.

    Args:
        config: Of the run, with what its recipe decides for the data.
        fields: What the data has.
        held_out: The items; without any, nothing is measured.
        device: Where metrics work.

    Raises:
        UsageError: If a metric that was said cannot be built.
        DataError: If the first item cannot be read.
    """
    said, left = config.validation, config.validation.select == "auto"
    if held_out is None:
        without = config.change(validation={"select": "last"}) if left else config
        return Decided(without, {}, Criterion("", 0, "the last one, without a split 'val'"), "")
    figure, why = usual_criterion(config.selection, fields) if left else (said.select, "")
    with undrawn():
        trial = _Trial(config, fields, held_out, device)
        chosen = {} if said.metrics == "auto" else {metric.name: metric for metric in said.metrics}
        measures = trial.usual() if said.metrics == "auto" else {n: trial.build(each) for n, each in chosen.items()}
        problem = "" if figure == "last" else trial.add(measures, metric_of(figure), left=left)
    images = trial.limit(*measures.values())
    if problem or figure == "last":
        about = f"the last one: {problem.rstrip('.')}" if problem else "the last one, as validation.select says"
        criterion = Criterion("", images, about)
    else:
        better = measures[metric_of(figure)].better
        criterion = Criterion(figure, images, f"the best by {figure}{f' ({better})' if better else ''}{why}")
    metrics = [chosen.get(name, Component(name=name)) for name in measures]
    select = (criterion.figure or "last") if left else said.select
    changed = config.change(validation={"metrics": metrics, "select": select, "images": images})
    return Decided(changed, measures, criterion, "" if left else problem)


def usual_criterion(selection: Selection, fields: Fields) -> tuple[str, str]:
    """Return the figure by which the best model is to be chosen unless told otherwise, and why in words."""
    recipe = lookup("recipe", selection.recipe.name).cls
    kind = fields[next(iter(recipe.translators))].kind
    for part, contract in contracts_of(recipe).items():
        if contract is Adversarial and part in selection.parts and kind == "image":
            return ADVERSARIAL_CRITERION, f", since {part} is adversarial"
    return CRITERIA.get(kind, "last"), ""


class _Trial:
    """The first held-out item, beside itself, tells what metrics can measure.

    Args:
        config: Of the run.
        fields: What the data has.
        held_out: The items.
        device: Where metrics work.
    """

    def __init__(self, config: RunConfig, fields: Fields, held_out: Items, device: torch.device) -> None:
        recipe = lookup("recipe", config.selection.recipe.name).cls
        self.fields, self.held_out, self.device = fields, held_out, device
        self.said = config.validation.images
        self.aligned = {
            to: fields.aligned(to, *(fields_asked(function, contracts_of(recipe)).keys() & fields.keys()))
            for to, function in recipe.translators.items()
        }

    @cached_property
    def item(self) -> Batch:
        """Read the first item, as a batch of its own."""
        return {name: values[None].to(self.device) for name, values in self.held_out.test(0).items()}

    def limit(self, *measures: Measure) -> int:
        """Return how many items these measure: as was said, else more where some compare sets."""
        usual = IMAGES if all(measure.of_pairs for measure in measures) else IMAGES_OF_SETS
        return usual if self.said == "auto" else self.said

    def build(self, metric: Component) -> Measure:
        """Build a metric on the device."""
        measure = Measure(metric)
        measure.to_device(self.device)
        return measure

    def usual(self) -> dict[str, Measure]:
        """Return what is measured unless told otherwise, and can be, of all fields that are made."""
        usual = dict[str, Measure]()
        for name in dict.fromkeys(name for to in self.aligned for name in METRICS.get(self.fields[to].kind, ())):
            try:
                measure = self.build(Component(name=name))
            except REFUSALS:
                continue
            if not all(self._problem(measure, to) for to in self.aligned):
                usual[name] = measure
        return usual

    def add(self, measures: dict[str, Measure], name: str, *, left: bool) -> str:
        """Measure what is to be the criterion too; says in words why it cannot be.

        Args:
            measures: What is measured.
            name: The metric.
            left: Whether the criterion was left to the run: then nothing that cannot choose is added.

        Raises:
            UsageError: If it was said, and cannot be built.
        """
        to = next(iter(self.aligned))
        try:
            if left and (few := self._too_few(name)):
                return few
            measure = measures.get(name) or self.build(Component(name=name))
        except REFUSALS as error:
            if not left:
                raise
            return str(error)
        problem = self._problem(measure, to) if left else self._unmeasured(measure, to)
        if not (left and problem):
            measures[name] = measure
        return problem

    def _too_few(self, name: str) -> str:
        """Say in words that there are too few items for a metric to choose by; nothing where there are enough."""
        count = min(len(self.held_out), IMAGES_OF_SETS if self.said == "auto" else self.said)
        if count >= ENOUGH or compares_pairs(lookup("metric", name).cls):
            return ""
        return f"{name} tells models apart by {ENOUGH} held-out images or more, and measures {count}"

    def _unmeasured(self, measure: Measure, to: str) -> str:
        return measure.unmeasured(to, self.fields, aligned=self.aligned[to])

    def _problem(self, measure: Measure, to: str) -> str:
        """Say in words why a metric cannot measure a field that is made, or refuses such images."""
        if reason := self._unmeasured(measure, to):
            return reason
        true = self.item[to]
        try:
            measure.see(true.clamp(min=0) if self.fields[to].kind == "ids" else true, self.item, to, self.fields)
        except REFUSALS as error:
            return str(error)
        return ""
