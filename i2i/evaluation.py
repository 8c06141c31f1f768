"""Metrics over pairs of images (N, C, H, W) in [-1, 1]; one figure an image."""

from typing import ClassVar

import kornia.metrics
import torch
from torch import Tensor, nn

from i2i.errors import UsageError

RANGE = 2.0  # from -1 to 1
WINDOW = 11


class L1(nn.Module):
    """Mean absolute difference, in [0, 2]: the paper's pixel loss, as a figure."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        return (output - target).abs().flatten(1).mean(1)


class PSNR(nn.Module):
    """Peak signal-to-noise ratio in dB, ``10 log10(2² / MSE)``, over all channels of an image; 100 dB at most.

    Equal images would have infinity, which no mean survives.
    """

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        mse = (output - target).square().flatten(1).mean(1)
        return (10 * torch.log10(RANGE**2 / mse)).clamp(max=100.0)


class SSIM(nn.Module):
    """Structural similarity, in [-1, 1] (Wang et al. 2004, section III): mean over channels and whole windows.

    Windows are Gaussian, 11 pixels wide, of sigma 1.5; images are at least as large.

    Raises:
        UsageError: When called, if the images are smaller than a window.
    """

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        height, width = output.shape[-2:]
        if min(height, width) < WINDOW:
            raise UsageError(f"ssim needs images of {WINDOW}x{WINDOW} at least, got {height}x{width}. Leave it out.")
        return kornia.metrics.ssim(output, target, WINDOW, max_val=RANGE, padding="valid").flatten(1).mean(1)
