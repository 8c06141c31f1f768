"""What the networks of pix2pixHD are made of, in the notation of Johnson et al. 2016 that the paper uses.

Paper: Wang et al. 2018, arXiv 1711.11585v2, section 3.2 and appendix. Original code: github.com/NVIDIA/pix2pixHD (a BSD
licence of its own); this is our own. Instance norm has no scale and shift, and all convolutions carry biases, as there.
"""

import torch.nn.functional as F
from torch import Tensor, nn


def halved(image: Tensor) -> Tensor:
    """Average (N, C, H, W) over 3x3 pixels in steps of two; height and width are halved, rounded up."""
    return F.avg_pool2d(image, 3, stride=2, padding=1, count_include_pad=False)


def entrance(in_channels: int, channels: int) -> nn.Sequential:
    """Build c7s1-k: a 7x7 convolution of stride 1 with mirrored borders, norm and ReLU."""
    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(in_channels, channels, 7), nn.InstanceNorm2d(channels), nn.ReLU()
    )


def halving(before: int, after: int) -> nn.Sequential:
    """Build dk: a 3x3 convolution of stride 2, norm and ReLU."""
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.InstanceNorm2d(after), nn.ReLU())


def doubling(before: int, after: int) -> nn.Sequential:
    """Build uk: a transposed 3x3 convolution of stride 2, norm and ReLU."""
    transposed = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(transposed, nn.InstanceNorm2d(after), nn.ReLU())


def exit_layer(channels: int, out_channels: int) -> nn.Sequential:
    """Build the last c7s1-k, which neither norm nor ReLU follows."""
    return nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(channels, out_channels, 7))


class ResidualBlock(nn.Module):
    """Rk: two 3x3 convolutions with mirrored borders whose output is added to what they were given.

    Args:
        channels: Of its input and its output, (N, channels, H, W); H and W are at least 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*self._convolution(channels), nn.ReLU())
        self.second = nn.Sequential(*self._convolution(channels))

    @staticmethod
    def _convolution(channels: int) -> list[nn.Module]:
        return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block makes of ``x`` to it; the shape stays."""
        made: Tensor = self.second(self.first(x))
        return x + made


def initialize(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02), as the paper does (appendix); set biases to 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
