"""What stands in the columns of an evaluation: a metric, of whole items, of a region of them, or between samples."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from i2i.errors import UsageError
from i2i.evaluation.held import Held
from i2i.evaluation.measuring import Batch, Measure
from i2i.evaluation.results import Measured
from i2i.evaluation.subjects import Maker, Model
from i2i.fields import Fields


class Column(ABC):
    """A metric, and how it is used.

    Args:
        measure: The metric.
        to: The field that is made.
        fields: What the data has.
    """

    suffix = ""
    """What names of figures end with."""

    def __init__(self, measure: Measure, to: str, fields: Fields) -> None:
        self.measure, self.to, self.fields = measure, to, fields

    @property
    def higher_is_better(self) -> bool:
        """Return whether more is better."""
        return self.measure.higher_is_better

    @property
    def better(self) -> str:
        """Return what a better figure means, in words."""
        return self.measure.better

    @abstractmethod
    def see(self, maker: Maker, made: Tensor, batch: Batch, places: Sequence[int]) -> Tensor | None:
        """Return what the metric needs of each item; None where it says nothing of this maker."""

    def figures(self, seen: Tensor) -> dict[str, float]:
        """Return figures by name; see `Measure.figures`."""
        return {f"{name}{self.suffix}": figure for name, figure in self.measure.figures(seen).items()}

    def describe(self, name: str, count: int) -> Measured:
        """Say what one of its figures is."""
        return Measured(
            name=name,
            metric=self.measure.name,
            options=self.measure.options,
            higher_is_better=self.higher_is_better,
            better=self.better,
            about=(self.measure.cls.__doc__ or "").strip().partition("\n")[0],
            caution=self.measure.caution(count),
        )


class Whole(Column):
    """A metric of whole items."""

    def see(self, maker: Maker, made: Tensor, batch: Batch, places: Sequence[int]) -> Tensor | None:
        """See all of each item."""
        output = made if self.measure.of_pairs else maker.make(batch, places, pairs=False)
        if output is None:
            return None
        real = {name: values[: len(output)] for name, values in batch.items()}
        return self.measure.see(output, real, self.to, self.fields)


class Region(Column):
    """A metric of some pixels of each item.

    Args:
        measure: The metric, which takes a mask.
        to: The field that is made.
        fields: What the data has.
        mask: The field that says which pixels.
        label: Its class that they have; where it is an image, None, and they are those above the middle of its range.
    """

    def __init__(self, measure: Measure, to: str, fields: Fields, mask: str, label: int | None) -> None:
        super().__init__(measure, to, fields)
        self.mask, self.label = mask, label
        self.suffix = f"[{mask}]" if label is None else f"[{mask}={label}]"

    def see(self, maker: Maker, made: Tensor, batch: Batch, places: Sequence[int]) -> Tensor | None:
        """See the region of each item."""
        values = batch[self.mask]
        mask = values.mean(1) > 0 if self.label is None else values == self.label
        return self.measure.see(made, batch, self.to, self.fields, mask)


class Between(Column):
    """How far samples of a model are from each other: the mean of a metric over the pairs of samples of an item.

    Args:
        measure: The metric, which compares images.
        to: The field that is made.
        fields: What the data has.
        samples: How many of each item, at least 2.
    """

    suffix = " between samples"
    better = "more varied"

    def __init__(self, measure: Measure, to: str, fields: Fields, samples: int) -> None:
        super().__init__(measure, to, fields)
        self.samples = samples

    @property
    def higher_is_better(self) -> bool:
        """Return whether more is more varied: where less is alike."""
        return not self.measure.higher_is_better

    def see(self, maker: Maker, made: Tensor, batch: Batch, places: Sequence[int]) -> Tensor | None:
        """See the samples of each item."""
        if not isinstance(maker, Model):
            return None
        drawn = [made, *(maker.make(batch, places, pairs=True, sample=k) for k in range(1, self.samples))]
        seen = [
            self.measure.see(one, {**batch, self.to: other}, self.to, self.fields)
            for one, other in combinations(drawn, 2)
        ]
        return torch.stack(seen).mean(0)


def columns(
    measures: Sequence[Measure], to: str, held: Held, *, mask: str | None = None, samples: int = 1
) -> Iterator[Column]:
    """Yield the columns that are asked for.

    Args:
        measures: Metrics that can measure the field.
        to: The field that is made.
        held: The items.
        mask: A field whose regions are measured besides: each class of ids, or the bright part of an image.
        samples: Of each item of a model; of two and more, how far they are from each other is measured too.

    Raises:
        UsageError: If there is no such field, it does not lie on what is made, or no metric takes a mask.
    """
    for measure in measures:
        yield Whole(measure, to, held.fields)
    if mask is not None:
        yield from _regions(measures, to, held.fields, mask)
    if samples > 1:
        between = [measure for measure in measures if not measure.of_sets and measure.compares]
        yield from (Between(measure, to, held.fields, samples) for measure in between)


def _regions(measures: Sequence[Measure], to: str, fields: Fields, mask: str) -> Iterator[Region]:
    if mask not in fields or fields[mask].kind == "vector" or not fields.aligned(to, mask):
        raise UsageError(f"--mask {mask} is no field that lies on {to}. The data has {', '.join(fields)}.")
    masked = [measure for measure in measures if measure.takes_mask]
    if not masked:
        raise UsageError(f"--mask {mask}: none of {', '.join(m.name for m in measures)} takes a mask. Add --metric l1.")
    classes: Sequence[int | None] = range(fields[mask].channels) if fields[mask].kind == "ids" else [None]
    for label in classes:
        yield from (Region(measure, to, fields, mask, label) for measure in masked)


Seen = Mapping[Column, Tensor]
"""What was seen of all items of one maker."""
