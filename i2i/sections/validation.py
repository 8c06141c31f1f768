"""What is measured on held-out items, and how often."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from i2i.sections.components import Components
from i2i.sections.section import Section


class Validation(Section):
    """What is measured on held-out items, and how often; `i2i.training.criterion` decides what ``auto`` is."""

    every: PositiveInt = 1000
    """Steps between validations."""
    images: PositiveInt | Literal["auto"] = "auto"
    """Items that are measured, spread evenly over the split."""
    metrics: Components | Literal["auto"] = "auto"
    """What is measured, besides the metric that ``select`` names."""
    select: str = "auto"
    """The figure by which the best model is chosen, such as ``segmentation/iou``; ``last`` keeps the last model."""
    samples: PositiveInt = 6
    """Items in the sample grid: the same ones each time."""
    sample_minutes: Annotated[float, Field(gt=0)] = 2.0
    """Minutes after which the grid is drawn again where no validation has drawn it."""
