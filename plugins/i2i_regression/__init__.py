"""Regression: a generator that learns from losses alone, and the residual U-Net that is made for it, as a plugin."""

from torch import nn

import i2i
from i2i_regression.nafnet import NAFNet

__all__ = ["NAFNet"]


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide the generator of image restoration."""
    return {"nafnet": NAFNet}
