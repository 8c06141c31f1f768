"""Bridges: from a noisy source to the target along a velocity that a network learns, as a plugin."""

from torch import nn

import i2i
from i2i_bridge.unet import VelocityUNet
from i2i_bridge.velocity import Velocity

__all__ = ["Velocity", "VelocityUNet"]


@i2i.hookimpl
def i2i_components() -> dict[str, dict[str, type[nn.Module]]]:
    """Provide networks of a kind of this plugin's own."""
    return {"velocity": {"unet": VelocityUNet}}
