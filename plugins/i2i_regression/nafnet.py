"""NAFNet: a U-Net of residual blocks without activations, made for restoring images.

Paper: Chen, Chu, Zhang, Sun 2022, *Simple Baselines for Image Restoration*, ECCV, arXiv 2204.04676v4, sections 3 and 4.
Original code: github.com/megvii-research/NAFNet (MIT); this is our own. Initial weights are torch's own, as there.
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError

Blocks = Annotated[int, Field(ge=0)]
EPSILON = 1e-6  # the original code's, in layer norm


class LayerNorm(nn.Module):
    """Layer norm over the channels of each pixel, with a learned scale and shift (section 3.2).

    Args:
        channels: Of its input and its output, (N, channels, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Bring each pixel to mean 0 and variance 1 before scale and shift; the shape stays."""
        pixels = x.permute(0, 2, 3, 1)
        return F.layer_norm(pixels, self.weight.shape, self.weight, self.bias, EPSILON).permute(0, 3, 1, 2)


class SimpleGate(nn.Module):
    """The product of the two halves of the channels, in place of an activation (equation 4)."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, 2 C, H, W) into (N, C, H, W)."""
        first, second = x.chunk(2, dim=1)
        return first * second


class ChannelAttention(nn.Module):
    """Simplified channel attention: each channel times a mix of the means of all channels (equation 6).

    Args:
        channels: Of its input and its output, (N, channels, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel by what the whole image says of it; the shape stays."""
        factors: Tensor = self.mix(x.mean(dim=(2, 3), keepdim=True))  # (N, C, 1, 1)
        return x * factors


class NAFBlock(nn.Module):
    """Two residual branches, one with a depthwise convolution and attention, one of pixels alone (figure 3c).

    Both are scaled by learned factors that begin at 0, so that the block begins as the identity.

    Args:
        channels: Of its input and its output, (N, channels, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        double = 2 * channels
        self.spatial = nn.Sequential(
            LayerNorm(channels),
            nn.Conv2d(channels, double, kernel_size=1),
            nn.Conv2d(double, double, kernel_size=3, padding=1, groups=double),
            SimpleGate(),
            ChannelAttention(channels),
            nn.Conv2d(channels, channels, kernel_size=1),
        )
        self.pointwise = nn.Sequential(
            LayerNorm(channels),
            nn.Conv2d(channels, double, kernel_size=1),
            SimpleGate(),
            nn.Conv2d(channels, channels, kernel_size=1),
        )
        self.beta = nn.Parameter(torch.zeros(channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Add both branches, one after the other; the shape stays."""
        x = x + self.beta * self.spatial(x)
        made: Tensor = x + self.gamma * self.pointwise(x)
        return made


class NAFNet(nn.Module):
    """Residual U-Net without activations (Chen et al. 2022, sections 3 and 4).

    Maps (N, in_channels, H, W) to (N, out_channels, H, W) in [-1, 1]; H and W must be multiples of 2 to the number of
    levels, 16 by default. A 3x3 convolution enters and leaves. Each level of the encoder ends in a 2x2 convolution of
    stride 2 that doubles the channels; each of the decoder begins with a 1x1 convolution and pixel shuffle that halve
    them, and adds what the encoder had at that size. The defaults are the 36 blocks of width 32 of the paper's
    denoising network.

    Differs from the paper: its networks add the source to their output, which means something only where both show the
    same thing, as in denoising; here that is an option. And theirs end without bounds, cut to the range of images when
    they are judged. Here tanh holds the output: cutting would stop the gradient of a pixel that is outside.

    Channel attention takes means over the whole image, so a tile is not exactly what the whole image has there.

    Args:
        base_channels: Channels after the first convolution; they double each time the image is halved.
        encoder_blocks: Blocks at each level on the way down, the first at full size.
        middle_blocks: Blocks at the smallest size.
        decoder_blocks: Blocks at each level on the way up, the last at full size; as many levels as the encoder.
        residual: Whether the source is added before tanh, for targets that differ little from their sources; these then
            have equally many channels.
        bounded: Whether tanh holds the output in [-1, 1]; logits are not to be held.

    Raises:
        UsageError: If encoder and decoder have other numbers of levels, or a source of other channels than the target
            were to be added; when called, if height or width is not a multiple of what the levels need.

    Example:
        >>> network = NAFNet(1, 3, base_channels=4, encoder_blocks=(1,), middle_blocks=1, decoder_blocks=(1,))
        >>> network(torch.zeros(1, 1, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        base_channels: Annotated[int, Field(ge=1)] = 32,
        encoder_blocks: tuple[Blocks, ...] = (2, 2, 4, 8),
        middle_blocks: Blocks = 12,
        decoder_blocks: tuple[Blocks, ...] = (2, 2, 2, 2),
        residual: bool = False,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        levels = len(encoder_blocks)
        if len(decoder_blocks) != levels:
            raise UsageError(
                f"encoder_blocks has {levels} levels and decoder_blocks {len(decoder_blocks)}. "
                "Give both equally many numbers."
            )
        if residual and in_channels != out_channels:
            raise UsageError(
                f"residual adds a source of {in_channels} channels to a target of {out_channels}. "
                "It needs equally many. Leave it out."
            )
        self.size_multiple = 2**levels
        self.residual, self.bounded = residual, bounded
        channels = [base_channels * 2**level for level in range(levels + 1)]
        self.enter = nn.Conv2d(in_channels, base_channels, kernel_size=3, padding=1)
        self.encoder = nn.ModuleList(map(_stage, channels, encoder_blocks))
        self.down = nn.ModuleList(nn.Conv2d(c, 2 * c, kernel_size=2, stride=2) for c in channels[:-1])
        self.middle = _stage(channels[-1], middle_blocks)
        self.up = nn.ModuleList(map(_doubling, channels[:0:-1]))
        self.decoder = nn.ModuleList(map(_stage, channels[-2::-1], decoder_blocks))
        self.leave = nn.Conv2d(base_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), in [-1, 1] if bounded."""
        height, width = source.shape[-2:]
        if height % self.size_multiple or width % self.size_multiple:
            raise UsageError(
                f"{type(self).__name__} needs height and width divisible by {self.size_multiple}, got "
                f"{height}x{width}. Resize or pad the image, or give encoder_blocks and decoder_blocks fewer levels."
            )
        x, encoded = self.enter(source), []
        for stage, halve in zip(self.encoder, self.down, strict=True):
            x = stage(x)
            encoded.append(x)
            x = halve(x)
        x = self.middle(x)  # (N, base_channels * 2**levels, H / 2**levels, W / 2**levels)
        for double, stage in zip(self.up, self.decoder, strict=True):
            x = stage(double(x) + encoded.pop())
        x = self.leave(x)
        if self.residual:
            x = x + source
        return torch.tanh(x) if self.bounded else x


def _stage(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(channels) for _ in range(blocks)))


def _doubling(channels: int) -> nn.Sequential:
    """Return what doubles the size and halves the channels."""
    return nn.Sequential(nn.Conv2d(channels, 2 * channels, kernel_size=1, bias=False), nn.PixelShuffle(2))
