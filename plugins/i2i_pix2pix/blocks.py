"""What the networks of pix2pix share: widths, norms, biases and initial weights.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 6.1. Original code: github.com/phillipi/pix2pix (BSD 2-clause);
this is our own. Biases stand where github.com/junyanz/pytorch-CycleGAN-and-pix2pix has them: its checkpoints fit.
"""

from typing import Literal

from torch import nn

Norm = Literal["batch", "instance", "none"]


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


def initialize(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and scales of norms from N(1, 0.02); set biases to 0 (section 6.2)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
