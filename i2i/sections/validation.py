"""What is measured on held-out items, and how often."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import PositiveInt, field_serializer, field_validator

from i2i.choices import Component
from i2i.sections.section import Section


class Validation(Section):
    """What is measured on held-out items, and how often; `i2i.training.criterion` decides what ``auto`` is."""

    every: PositiveInt = 1000
    """Steps between validations."""
    images: PositiveInt | Literal["auto"] = "auto"
    """Items that are measured, spread evenly over the split."""
    metrics: tuple[Component, ...] | Literal["auto"] = "auto"
    """What is measured, besides the metric that ``select`` names."""
    select: str = "auto"
    """The figure by which the best model is chosen, such as ``segmentation/iou``; ``last`` keeps the last model."""
    samples: PositiveInt = 6
    """Items in the sample grid: the same ones each time."""

    @field_validator("metrics", mode="before")
    @classmethod
    def _each_is_named_once(cls, said: Any) -> Any:
        if not isinstance(said, list | tuple):
            return said
        metrics = tuple(map(_as_component, said))
        twice = [name for name, count in Counter(metric.name for metric in metrics).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is named twice. Name it once")
        return metrics

    @field_serializer("metrics")
    def _as_said(self, metrics: Any) -> Any:
        return (
            metrics
            if metrics == "auto"
            else [metric.model_dump() if metric.options else metric.name for metric in metrics]
        )


def _as_component(said: Any) -> Component:
    """Read a name, or a mapping with a name."""
    if isinstance(said, Component):
        return said
    entry = {"name": said} if isinstance(said, str) else said
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError(f"{said!r} names none. Write such as l1, or {{name: l1}} with options beside the name")
    return Component(**entry)
