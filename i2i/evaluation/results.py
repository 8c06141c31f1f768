"""What an evaluation found: figures with their spread, of models and of what they are read beside, and comparisons."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from i2i import __version__

Spread = Literal["bootstrap", "subsets", "none"]
"""``bootstrap``: percentiles of figures of items drawn with replacement (Efron 1979). ``subsets``: 1.96 standard
deviations of figures of random halves of the items. ``none``: of one item, or of something that is no sample."""


class Figure(BaseModel):
    """One number, and the interval that 95 % of its like would be in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    low: float
    high: float
    spread: Spread
    count: int
    """Items that it is of."""


class Measured(BaseModel):
    """One figure that was asked for: what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Such as ``l1``, ``segmentation/iou``, or of a region ``l1[mask]``."""
    metric: str
    options: dict[str, Any]
    higher_is_better: bool
    better: str
    """What a better figure means, in words that follow "is"; may be empty."""
    about: str
    """The first line of the metric's description."""
    caution: str
    """What a reader must be told of it; may be empty."""


class Subject(BaseModel):
    """Something that was measured: a model, or what its figures are read beside."""

    model_config = ConfigDict(extra="forbid")

    name: str
    is_model: bool
    about: dict[str, str]
    """What it is: of a model its path, recipe, steps, mode and seed."""
    figures: dict[str, Figure]
    """By name, those that could be measured."""
    items: dict[str, list[float | None]]
    """By name the figure of each item, of metrics that have one; None where there was nothing to measure."""
    rank: dict[str, int] = {}
    """By name of a figure the place among the models, from 1 on."""


class Comparison(BaseModel):
    """A figure of one model less that of another, over the same items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    """The interval of the difference, as of a `Figure`; the models can be told apart where 0 is outside of it."""
    p: float | None
    """Of a sign-flip test over the items, two-sided; None where a metric has no figure of an item."""

    @property
    def is_told(self) -> bool:
        """Return whether the two can be told apart."""
        return self.low > 0 or self.high < 0


class Evaluation(BaseModel):
    """All that an evaluation found; ``evaluation.json`` holds it."""

    model_config = ConfigDict(extra="forbid")

    i2i: str = __version__
    data: str
    split: str
    field: str
    """The one that was made and measured."""
    size: tuple[int, int]
    """Height and width that was measured at."""
    resizing: str
    """How items came to that size."""
    count: int
    samples: int = 1
    """Results of each item of a model, of the seeds from its own on; all figures but those between samples are of the
    first."""
    names: list[str]
    """Of the items, in the order of `Subject.items`."""
    measured: list[Measured]
    subjects: list[Subject]
    """Models first, as they were given, then what they are read beside."""
    comparisons: list[Comparison]
    sentences: list[str]
    """What the comparisons come to, in words."""
    notes: list[str]
    """What could not be measured, and why."""

    @property
    def models(self) -> list[Subject]:
        """Return the subjects that are models."""
        return [subject for subject in self.subjects if subject.is_model]
