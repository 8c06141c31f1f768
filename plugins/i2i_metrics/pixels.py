"""Differences of pixels: images (N, C, H, W) in [-1, 1] beside what is real; one figure an image.

With a mask (N, H, W) of bool only its pixels count, and an image that has none of them has no figure: NaN.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

RANGE = 2.0  # from -1 to 1
DECIBELS_AT_MOST = 100.0


class L1(nn.Module):
    """Mean absolute difference, in [0, 2]: the pixel loss of pix2pix, as a figure."""

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "closer pixel by pixel"

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean over the channels, (N, H, W) in [0, 2]."""
        return (output - target).abs().mean(1)

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        return mean_within(self.map(output, target), mask)


class MSE(nn.Module):
    """Mean square of the differences, in [0, 4]."""

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "closer pixel by pixel"

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean over the channels, (N, H, W) in [0, 4]."""
        return (output - target).square().mean(1)

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        return mean_within(self.map(output, target), mask)


class PSNR(nn.Module):
    """Peak signal-to-noise ratio in dB, ``10 log10(2² / MSE)``, over all channels of an image; 100 dB at most.

    Equal images would have infinity, which no mean survives. That of a region is of the region's mean square.
    """

    higher_is_better: ClassVar[bool] = True
    better: ClassVar[str] = "closer pixel by pixel"

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the squares of the differences, (N, H, W) in [0, 4], the mean over the channels."""
        return (output - target).square().mean(1)

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        mse = mean_within(self.map(output, target), mask)
        return (10 * torch.log10(RANGE**2 / mse)).clamp(max=DECIBELS_AT_MOST)


def mean_within(values: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of (N, H, W) over a mask (N, H, W) of bool, or over all pixels where it is None.

    Returns:
        (N,), NaN where a mask has no pixel.
    """
    if mask is None:
        return values.flatten(1).mean(1)
    return values.where(mask, 0).flatten(1).sum(1) / mask.flatten(1).sum(1)
