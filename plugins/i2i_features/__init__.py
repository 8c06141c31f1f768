"""Networks that know photographs, as a plugin: features for losses and metrics, and a generator that begins as one."""

from torch import nn

import i2i
from i2i_features.chains import VGG16, AlexNet
from i2i_features.inception import Inception
from i2i_features.lite0 import Lite0
from i2i_features.lite0_pyramid import Lite0Pyramid

__all__ = ["VGG16", "AlexNet", "Inception", "Lite0", "Lite0Pyramid"]


@i2i.hookimpl
def i2i_components() -> dict[str, dict[str, type[nn.Module]]]:
    """Provide networks that see images; those without weights in a package take a file."""
    return {"features": {"lite0": Lite0, "vgg16": VGG16, "alexnet": AlexNet, "inception": Inception}}


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide a generator for maps of photographs, such as labels."""
    return {"lite0-pyramid": Lite0Pyramid}
