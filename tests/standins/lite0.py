"""EfficientNet-Lite0 written out a second time, with its batch norms, under the names of the package's state dict."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = [
    (32, 16, 3, 1),
    (16, 24, 3, 2),
    (24, 24, 3, 1),
    (24, 40, 5, 2),
    (40, 40, 5, 1),
    (40, 80, 3, 2),
    (80, 80, 3, 1),
    (80, 80, 3, 1),
    (80, 112, 5, 1),
    (112, 112, 5, 1),
    (112, 112, 5, 1),
    (112, 192, 5, 2),
    (192, 192, 5, 1),
    (192, 192, 5, 1),
    (192, 192, 5, 1),
    (192, 320, 3, 1),
]
"""Channels before and after, kernel and stride of each; all but the first widen by 6."""
SEEN = (0, 2, 4, 10, 15)
"""The last block of each size."""


class Block(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = before if before == 32 else 6 * before
        if before != 32:
            self._expand_conv = nn.Conv2d(before, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv = nn.Conv2d(wide, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=1e-3)
        self.same = before == after

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        filtered = F.relu6(self._bn1(self._depthwise_conv(padded(wide, self._depthwise_conv))))
        made: Tensor = self._bn2(self._project_conv(filtered))
        return made + x if self.same else made


class Lite0(nn.Module):
    """For sides that are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList(Block(*block) for block in BLOCKS)
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Features of RGB pixels in [0, 255]."""
        x = F.relu6(self._bn0(self._conv_stem(padded((pixels - 127) / 128, self._conv_stem))))
        features = []
        for block in self._blocks:
            x = block(x)
            features.append(x)
        return [features[block] for block in SEEN]

    def pooled(self, pixels: Tensor) -> Tensor:
        """The mean over places of what its head makes of RGB pixels in [0, 255]."""
        return F.relu6(self._bn1(self._conv_head(self(pixels)[-1]))).mean((2, 3))


def padded(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Pad sides that the stride divides, so that they are divided by it; the odd pixel comes last."""
    total = convolution.kernel_size[0] - convolution.stride[0]
    return F.pad(x, (total // 2, total - total // 2) * 2)


def drawn() -> Lite0:
    """A network of random weights, whose features neither vanish nor grow."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = Lite0().eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                for values, low, high in (
                    (module.weight, 0.8, 1.2),
                    (module.bias, -0.2, 0.2),
                    (module.running_mean, -0.2, 0.2),
                    (module.running_var, 0.8, 1.2),
                ):
                    assert values is not None
                    nn.init.uniform_(values, low, high)
    return network
