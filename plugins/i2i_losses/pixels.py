"""What an output costs beside its target, pixel by pixel or window by window; images (N, C, H, W) in [-1, 1]."""

from typing import Annotated

import kornia.metrics
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError

RANGE = 2.0  # from -1 to 1
WINDOW = 11
SMALLEST = 2  # pixels along a side between which there is a difference


class L1(nn.Module):
    """Mean absolute difference over all values (Isola et al. 2017, equation 3)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare two tensors of one shape; returns a scalar."""
        return F.l1_loss(output, target)


class L2(nn.Module):
    """Mean squared difference over all values: blurrier than L1 (Isola et al. 2017, section 3.1)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare two tensors of one shape; returns a scalar."""
        return F.mse_loss(output, target)


class Charbonnier(nn.Module):
    """L1 with a round bottom: mean of sqrt(difference² + epsilon²) (Lai et al. 2017, arXiv 1704.03915).

    Its gradient fades as the difference falls below epsilon, where that of L1 keeps its size and turns at 0.

    Args:
        epsilon: Difference where the bottom begins, of values in [-1, 1]; equal images cost as much.
    """

    def __init__(self, *, epsilon: Annotated[float, Field(gt=0)] = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare two tensors of one shape; returns a scalar."""
        return ((output - target).square() + self.epsilon**2).sqrt().mean()


class SSIM(nn.Module):
    """1 - structural similarity (Wang et al. 2004, section III), in [0, 2]: 0 where images are equal.

    Mean over channels and whole windows, which are Gaussian, 11 pixels wide, of sigma 1.5; images are at least as
    large. It sees structure and is nearly blind to a shift of brightness or colour: add `l1` or `charbonnier`.

    Raises:
        UsageError: When called, if the images are smaller than a window.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns a scalar."""
        height, width = output.shape[-2:]
        if min(height, width) < WINDOW:
            raise UsageError(f"ssim needs images of {WINDOW}x{WINDOW} at least, got {height}x{width}. Leave it out.")
        return 1 - kornia.metrics.ssim(output, target, WINDOW, max_val=RANGE, padding="valid").mean()


class TotalVariation(nn.Module):
    """Mean absolute difference of neighbours, across plus down, of the output alone: what is noisy costs.

    The anisotropic form of Rudin, Osher and Fatemi 1992, as a mean rather than a sum, so that its weight does not
    depend on the size. The target is not looked at.

    Raises:
        UsageError: When called, if height or width is a single pixel.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Look at (N, C, H, W) beside a target; returns a scalar."""
        height, width = output.shape[-2:]
        if min(height, width) < SMALLEST:
            raise UsageError(f"total-variation needs images of 2x2 at least, got {height}x{width}. Leave it out.")
        return output.diff(dim=-1).abs().mean() + output.diff(dim=-2).abs().mean()
