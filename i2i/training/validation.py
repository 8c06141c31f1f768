"""Measures and pictures of held-out items."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i import images
from i2i.contracts import SetMetric
from i2i.data import lab
from i2i.data.items import Items
from i2i.data.order import spread
from i2i.data.tensors import to_pixels
from i2i.fields import Kind
from i2i.options import build
from i2i.pairs import Pixels
from i2i.parameters import first_kind
from i2i.plugins import lookup
from i2i.serving import serves
from i2i.translation.predictor import Predictor

Batch = Mapping[str, Tensor]
"""One item as networks see it, on the device."""


class Figure(NamedTuple):
    """One thing that is measured."""

    name: str
    """In the log: that of the metric, behind ``FIELD/`` of what is made by another translator than the first."""
    metric: str
    to: str
    """The field that is made."""
    higher_is_better: bool


class Validator:
    """Runs the translators of a recipe over the same items each time.

    Args:
        items: The held-out split; without one, the training split, to draw samples of.
        held_out: Whether the items are held out, so that there is something to measure on.
        metrics: What is measured, by name.
        seed: Of the translators' noise.
        device: Where they are.
    """

    def __init__(
        self, items: Items, *, held_out: bool, metrics: Sequence[str], seed: int, device: torch.device
    ) -> None:
        self.items, self.held_out, self.seed, self.device = items, held_out, seed, device
        self.metrics = {name: lookup("metric", name).cls for name in metrics}
        # kept, since they may have weights; those of sets are built anew for each measurement
        self._of_pairs = {name: _built(name) for name, cls in self.metrics.items() if not _is_of_sets(cls)}

    def figures(self, predictors: Sequence[Predictor]) -> dict[str, Figure]:
        """Return what can be measured of what translators make, by name.

        A metric measures fields of the kind that its parameters are annotated with, images where they say nothing. One
        that compares pairs is left out where what is made does not belong to what it is made of.
        """
        if not self.held_out:
            return {}
        found = {}
        for predictor in predictors:
            of_others = "" if predictor is predictors[0] else f"{predictor.to}/"
            for name, cls in self.metrics.items():
                compares = predictor.is_aligned or _is_of_sets(cls)
                if compares and measured_kind(cls) == predictor.fields[predictor.to].kind:
                    figure = Figure(f"{of_others}{name}", name, predictor.to, cls.higher_is_better)
                    found[figure.name] = figure
        return found

    def unmeasured(self, metric: str, predictors: Sequence[Predictor]) -> str:
        """Say in words why a metric is none of `figures`."""
        if not (predictors[0].is_aligned or _is_of_sets(self.metrics[metric])):
            return f"These images are no pairs, so {metric!r} cannot be measured"
        measured = " and ".join(self.figures(predictors)) or "no metric"
        return f"{metric!r} cannot be measured of what is made here, {measured} can"

    def measure(self, predictors: Sequence[Predictor], count: int) -> dict[str, float]:
        """Return each figure over ``count`` items spread evenly over the split: of pairs the mean."""
        figures = self.figures(predictors)
        of_sets = {f.name: _built(f.metric) for f in figures.values() if f.metric not in self._of_pairs}
        of_pairs: dict[str, list[float]] = {name: [] for name in figures if name not in of_sets}
        for batch in self._batches(count) if figures else ():
            made = {predictor.to: predictor(batch, self.seed) for predictor in predictors}
            for name, figure in figures.items():
                output, target = made[figure.to], batch[figure.to]
                if name in of_sets:
                    of_sets[name].update(output, target)
                else:
                    of_pairs[name].append(self._of_pairs[figure.metric](output, target).item())
        measured = {name: metric.compute() for name, metric in of_sets.items()}
        measured |= {name: float(np.mean(values)) for name, values in of_pairs.items()}
        return {name: measured[name] for name in figures}

    def grid(self, predictors: Sequence[Predictor], count: int) -> Pixels:
        """Draw ``count`` items, one a row below a heading, (H, W, 3) uint8.

        Of each translator there is what it takes, what it makes, and what that should be, where there is such a thing.
        """
        rows = [self._row(predictors, batch) for batch in self._batches(count)]
        return images.contact_sheet([list(row.values()) for row in rows], list(rows[0]))

    def _row(self, predictors: Sequence[Predictor], batch: Batch) -> dict[str, Pixels]:
        row: dict[str, Pixels] = {}
        for predictor in predictors:
            made = predictor(batch, self.seed)
            true = [predictor.to] if predictor.is_aligned else []
            shown = {name: batch[name] for name in predictor.sources}
            shown["output" if len(predictors) == 1 else f"as {predictor.to}"] = made
            shown |= {name: batch[name] for name in true}
            for title, values in shown.items():
                name = title if title in batch else predictor.to
                if self.items.fields[name].kind != "vector":
                    row[title] = self._shown(values[0], name, batch)
        return row

    def _shown(self, values: Tensor, name: str, batch: Batch) -> Pixels:
        """Return an image or ids, as networks see them, to look at."""
        field = self.items.fields[name]
        if field.kind == "ids":
            ids = values.masked_fill(values < 0, field.void or 0)
            return images.class_colours(ids[..., None].cpu().numpy())
        if field.colours == "lab" and name == "target":
            lightness = to_pixels(batch["source"][0], np.float32)
            return lab.join(lightness, to_pixels(values, np.float32), np.uint8)
        return to_pixels(values, np.uint8)

    def _batches(self, count: int) -> Iterator[Batch]:
        """Yield items, each as a batch of its own."""
        for index in spread(len(self.items), count):
            fields = self.items.test(index).fields
            yield {name: values[None].to(self.device) for name, values in fields.items()}


def measured_kind(metric: type[Any]) -> Kind:
    """Return what a metric compares, by the annotation of its first parameter: images where it says nothing."""
    method = metric.update if _is_of_sets(metric) else getattr(metric, "forward", metric.__call__)
    return first_kind(method) or "image"


def _is_of_sets(metric: type[Any]) -> bool:
    return serves(metric, SetMetric)


def _built(metric: str) -> Any:
    return build(lookup("metric", metric).cls, options={}, owner=f"metric {metric!r}")
