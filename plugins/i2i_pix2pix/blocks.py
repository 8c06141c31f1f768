"""What the networks of pix2pix are made of: widths, norms, biases, initial weights, encoder and decoder.

Paper: Isola et al. 2017, arXiv 1611.07004v3, section 6.1. Original code: github.com/phillipi/pix2pix (BSD 2-clause);
this is our own. Biases stand where github.com/junyanz/pytorch-CycleGAN-and-pix2pix has them: its checkpoints fit.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from i2i.errors import UsageError

Norm = Literal["batch", "instance", "none"]


def widths(base_channels: int, count: int) -> list[int]:
    """Channels after each of ``count`` convolutions: they double, up to 8 times the first."""
    return [base_channels * min(2**i, 8) for i in range(count)]


def norm_layers(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the norm that follows a convolution, if any."""
    match norm:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "instance":
            return [nn.InstanceNorm2d(channels)]
        case "none":
            return []


def hidden_bias(norm: Norm) -> bool:
    """Check whether hidden convolutions carry a bias: only under instance norm, which has no shift of its own."""
    return norm == "instance"


def encoder(in_channels: int, outputs: Sequence[int], norm: Norm) -> nn.ModuleList:
    """Blocks that each halve the image: LeakyReLU, convolution, norm.

    The first has no activation and no norm. The last has no norm: where it leaves one pixel, batch norm of batch 1
    would be zero whatever the image (the authors' code has a norm there).
    """
    blocks = nn.ModuleList()
    for before, after in pairwise([in_channels, *outputs]):
        first, last = len(blocks) == 0, len(blocks) == len(outputs) - 1
        activation = [] if first else [nn.LeakyReLU(0.2)]
        convolution = nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1, bias=hidden_bias(norm))
        normalization = [] if first or last else norm_layers(norm, after)
        blocks.append(nn.Sequential(*activation, convolution, *normalization))
    return blocks


def decoder(
    inputs: Sequence[int], outputs: Sequence[int], norm: Norm, dropout: float, dropout_layers: Collection[int]
) -> nn.ModuleList:
    """Blocks that each double the image: ReLU, transposed convolution, norm, dropout.

    The last has a bias, and neither norm nor dropout.

    Args:
        inputs: Channels that each block takes, those of its skip connection included.
        outputs: Channels that each block gives.
        norm: The norm.
        dropout: Probability that a value is zeroed.
        dropout_layers: Blocks with dropout, counted from 1.
    """
    blocks = nn.ModuleList()
    for layer, (before, after) in enumerate(zip(inputs, outputs, strict=True), start=1):
        last = layer == len(outputs)
        convolution = nn.ConvTranspose2d(
            before, after, kernel_size=4, stride=2, padding=1, bias=last or hidden_bias(norm)
        )
        normalization = [] if last else norm_layers(norm, after)
        noise = [nn.Dropout(dropout)] if dropout and layer in dropout_layers and not last else []
        blocks.append(nn.Sequential(nn.ReLU(), convolution, *normalization, *noise))
    return blocks


def initialize(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and scales of norms from N(1, 0.02); set biases to 0 (section 6.2)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def check_size(image: Tensor, depth: int, network: str) -> None:
    """Refuse an image that cannot be halved ``depth`` times.

    Raises:
        UsageError: If its height or width is not a multiple of ``2**depth``.
    """
    height, width = image.shape[-2:]
    if height % 2**depth or width % 2**depth:
        raise UsageError(
            f"{network} needs height and width divisible by {2**depth}, got {height}x{width}. "
            f"Resize or pad the image, or lower `depth` (now {depth})."
        )
