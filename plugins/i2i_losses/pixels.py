"""What an output costs beside its target, pixel by pixel or window by window: images in [-1, 1], or classes."""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError

WINDOW, SIGMA = 11, 1.5
LUMINANCE, CONTRAST = (0.01 * 2) ** 2, (0.03 * 2) ** 2
"""C1 and C2 of SSIM for values that range over 2, from -1 to 1 (Wang et al. 2004, section III.B)."""
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
    """1 - structural similarity (Wang et al. 2004, equation 13), in [0, 2]: 0 where images are equal.

    Mean over channels and whole windows, which are Gaussian, 11 pixels wide, of sigma 1.5; images are at least as
    large. It sees structure and is nearly blind to a shift of brightness or colour: add `l1` or `charbonnier`.

    Raises:
        UsageError: When called, if the images are smaller than a window.
    """

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.exp(-((torch.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns a scalar."""
        height, width = output.shape[-2:]
        if min(height, width) < WINDOW:
            raise UsageError(f"ssim needs images of {WINDOW}x{WINDOW} at least, got {height}x{width}. Leave it out.")
        x, y = output.flatten(0, 1), target.flatten(0, 1)
        mean_x, mean_y, xx, yy, xy = self._blurred(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
        both, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
        luminance = (2 * both + LUMINANCE) / (squares + LUMINANCE)
        structure = (2 * (xy - both) + CONTRAST) / (xx + yy - squares + CONTRAST)
        return 1 - (luminance * structure).mean()

    def _blurred(self, images: Tensor) -> Tensor:
        """Return the weighted mean of each whole window of (N, H, W)."""
        count = len(images)  # as channels of one image, which is the quickest
        window = self.window.expand(count, 1, WINDOW)
        down = F.conv2d(images, window.unsqueeze(3), groups=count)
        across: Tensor = F.conv2d(down, window.unsqueeze(2), groups=count)
        return across


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


class CrossEntropy(nn.Module):
    """Mean of -log softmax at the class that each pixel has.

    Takes logits beside one-hot classes, both (N, classes, H, W), the latter of 0 and 1. A pixel whose one-hot is all 0
    has no class: it costs nothing and does not enter the mean, which is 0 where no pixel has one.

    Raises:
        UsageError: When called, if there is but one class, which every pixel then has whatever the logits are; at the
            first call, if the target is no one-hot.
    """

    def __init__(self) -> None:
        super().__init__()
        self._looked = False  # once: to look at values waits for the device

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare logits with one-hot classes of their shape; returns a scalar."""
        if output.shape[1] < 2:
            raise UsageError(
                "cross-entropy of one class is 0 whatever is made. Give the background a class of its own."
            )
        if not self._looked and not target.is_meta:
            _check_one_hot(target)
            self._looked = True
        surprise = -(target * F.log_softmax(output, dim=1)).sum()
        return surprise / target.sum().clamp(min=1)


def _check_one_hot(target: Tensor) -> None:
    if bool(((target != 0) & (target != 1)).any()):
        raise UsageError(
            f"cross-entropy takes one-hot classes of 0 and 1, got values from {target.min():.3g} to {target.max():.3g}"
            ". Use it where the target is class ids, or take l1."
        )
