"""Regression: a generator that learns from losses alone, and a generator that is made for it, as a plugin."""

from torch import nn

import i2i
from i2i.contracts import Recipe
from i2i_regression.nafnet import NAFNet
from i2i_regression.recipe import Regression

__all__ = ["NAFNet", "Regression"]


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide the generator of image restoration."""
    return {"nafnet": NAFNet}


@i2i.hookimpl
def i2i_recipes() -> dict[str, type[Recipe]]:
    """Provide the method."""
    return {"regression": Regression}
