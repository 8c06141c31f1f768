"""What an output costs by what a network that knows photographs sees in it.

Papers: Johnson et al. 2016, arXiv 1603.08155 (the idea); Zhang et al. 2018, arXiv 1801.03924, equation 1 (the
distance). Own code.
"""

import torch
from torch import Tensor, nn

from i2i.features import build_features, distances


class Perceptual(nn.Module):
    """Distance of what a network that was trained on ImageNet sees in two images (Zhang et al. 2018, equation 1).

    Features at five sizes, of EfficientNet-Lite0 from a half to a 32nd, are brought to length 1 at every place; the
    loss is the mean over the sizes of the mean over the places of their squared distance, in [0, 4]. All channels count
    alike: nothing is learned from people's judgements, so figures are not those of LPIPS. Takes RGB, or gray as three
    equal channels, at the size that they have.

    The network is no part of what is trained: it is frozen, has no mode, and is in no checkpoint.

    Args:
        features: The network, by name: EfficientNet-Lite0, or another that is installed, such as ``vgg16``.
        weights: File of its weights: safetensors, or a bare state dict of torch. Those of a package where empty, which
            not every network has.

    Raises:
        UnknownNameError: If no such network is installed.
        UsageError: If it needs weights, or, when called, if images have neither 1 nor 3 channels.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """

    def __init__(self, *, features: str = "lite0", weights: str = "") -> None:
        super().__init__()
        self.features = build_features(features, weights)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, 1 or 3, H, W) with its like, both in [-1, 1]; returns a scalar."""
        return torch.stack([each.mean() for each in distances(self.features(output), self.features(target))]).mean()
