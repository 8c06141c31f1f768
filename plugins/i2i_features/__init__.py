"""Networks that know photographs, as features that losses and metrics reach by name, as a plugin."""

from torch import nn

import i2i
from i2i_features.chains import VGG16, AlexNet
from i2i_features.inception import Inception
from i2i_features.lite0 import Lite0

__all__ = ["VGG16", "AlexNet", "Inception", "Lite0"]


@i2i.hookimpl
def i2i_components() -> dict[str, dict[str, type[nn.Module]]]:
    """Provide networks that see images; those without weights in a package take a file."""
    return {"features": {"lite0": Lite0, "vgg16": VGG16, "alexnet": AlexNet, "inception": Inception}}
