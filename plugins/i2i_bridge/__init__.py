"""Bridges: from a noisy source to the target along a velocity that a network learns, as a plugin.

Liu, Gong, Liu: *Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow*, ICLR 2023, arXiv
2209.03003v1.
"""

from torch import nn

import i2i
from i2i.contracts import Recipe
from i2i_bridge.recipe import Bridge, Velocity
from i2i_bridge.unet import VelocityUNet

__all__ = ["Bridge", "Velocity", "VelocityUNet"]


@i2i.hookimpl
def i2i_components() -> dict[str, dict[str, type[nn.Module]]]:
    """Provide networks of a kind of this plugin's own."""
    return {"velocity": {"unet": VelocityUNet}}


@i2i.hookimpl
def i2i_recipes() -> dict[str, type[Recipe]]:
    """Provide the method."""
    return {"bridge": Bridge}
