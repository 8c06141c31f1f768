"""What the networks of pix2pix share: widths, norms, biases, layers that double the size, and initial weights.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 6.1. Original code: github.com/phillipi/pix2pix (BSD 2-clause);
this is our own. Biases stand where github.com/junyanz/pytorch-CycleGAN-and-pix2pix has them: its checkpoints fit.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["batch", "instance", "none"]
Upsample = Literal["transposed", "resize", "subpixel"]
PHASES = 4
"""Pixels that one becomes where height and width double."""


def widths(base_channels: int, count: int) -> list[int]:
    """Return the channels after each of ``count`` convolutions: they double, up to 8 times the first."""
    return [base_channels * min(2**i, 8) for i in range(count)]


def norm_layers(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the norm that follows a convolution, if any."""
    kinds: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}
    return [kinds[norm](channels)] if norm in kinds else []


def hidden_bias(norm: Norm) -> bool:
    """Check whether hidden convolutions carry a bias: only under instance norm, which has no shift of its own."""
    return norm == "instance"


class ResizeConvolution(nn.Conv2d):
    """Nearest neighbours, then a 3x3 convolution: all pixels are made by the same weights.

    Odena et al. 2016, *Deconvolution and Checkerboard Artifacts*, doi 10.23915/distill.00003. Maps (N, before, H, W) to
    (N, after, 2 H, 2 W).
    """

    def __init__(self, before: int, after: int, bias: bool) -> None:
        super().__init__(before, after, kernel_size=3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Double the size, then convolve."""
        return super().forward(F.interpolate(x, scale_factor=2, mode="nearest"))


class SubpixelConvolution(nn.Conv2d):
    """A 3x3 convolution to 4 times the channels, of which every four become 2x2 pixels of one (Shi et al. 2016).

    arXiv 1609.05158, section 2.2. Maps (N, before, H, W) to (N, after, 2 H, 2 W). The four start out as one and the
    same filter, so that an untrained layer gives nearest neighbours and no grid (Aitken et al. 2017, arXiv 1707.02937);
    they may learn one.
    """

    def __init__(self, before: int, after: int, bias: bool) -> None:
        super().__init__(before, PHASES * after, kernel_size=3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, then lay the channels out in space."""
        return F.pixel_shuffle(super().forward(x), 2)

    @torch.no_grad()
    def share(self) -> None:
        """Give the four filters of each channel the weights of the first."""
        for phase in range(1, PHASES):
            self.weight[phase::PHASES] = self.weight[::PHASES]


def doubling(kind: Upsample, before: int, after: int, *, kernel: int, bias: bool) -> nn.Conv2d | nn.ConvTranspose2d:
    """Return a convolution that doubles height and width.

    Args:
        kind: A transposed convolution of stride 2, as the papers have it, or what makes no grid in its place.
        before: Channels of its input.
        after: Channels of its output.
        kernel: Side of a transposed convolution's kernel, 3 or 4; the others have 3.
        bias: Whether it has one.
    """
    if kind == "resize":
        return ResizeConvolution(before, after, bias)
    if kind == "subpixel":
        return SubpixelConvolution(before, after, bias)
    return nn.ConvTranspose2d(before, after, kernel, stride=2, padding=1, output_padding=kernel % 2, bias=bias)


def initialize(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and scales of norms from N(1, 0.02); set biases to 0 (section 6.2)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, SubpixelConvolution):
            module.share()
