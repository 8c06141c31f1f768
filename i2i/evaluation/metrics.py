"""Metrics over pairs of images (N, C, H, W) in [-1, 1]; one figure an image."""

from typing import ClassVar

import kornia.metrics
import torch
from torch import Tensor, nn

RANGE = 2.0  # from -1 to 1


class L1(nn.Module):
    """Mean absolute difference, in [0, 2]: the paper's pixel loss, as a figure."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).abs().flatten(1).mean(1)


class PSNR(nn.Module):
    """Peak signal-to-noise ratio in dB, ``10 log10(2² / MSE)``, over all channels of an image; 100 dB at most.

    Equal images would have infinity, which no mean survives.
    """

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        mse = (output - target).square().flatten(1).mean(1)
        return (10 * torch.log10(RANGE**2 / mse)).clamp(max=100.0)


class SSIM(nn.Module):
    """Structural similarity, in [-1, 1]: Gaussian window of 11 pixels, sigma 1.5 (Wang et al. 2004), mean over channels."""

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return kornia.metrics.ssim(output, target, window_size=11, max_val=RANGE).flatten(1).mean(1)
