"""Structural similarity of images (N, C, H, W) in [-1, 1], at one scale or at several; one figure an image."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.errors import UsageError
from i2i_metrics.pixels import mean_within

RANGE = 2.0  # from -1 to 1
WINDOW = 11
SIGMA = 1.5
BORDER = WINDOW // 2
C1, C2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2  # Wang et al. 2004, section III.C
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, the finest first (Wang et al. 2003, section 3.2)."""


class SSIM(nn.Module):
    """Structural similarity, in [-1, 1] (Wang et al. 2004, section III): mean over channels and whole windows.

    Windows are Gaussian, 11 pixels wide, of sigma 1.5; images are at least as large. A region has those that are
    centred in it.

    Raises:
        UsageError: When called, if the images are smaller than a window.
    """

    higher_is_better: ClassVar[bool] = True
    better: ClassVar[str] = "closer in local structure"

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return 1 - SSIM of the window around each pixel, (N, H, W) in [0, 2]; the border repeats the nearest one."""
        return 1 - F.pad(self._of_windows(output, target), (BORDER,) * 4, mode="replicate")

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        centres = None if mask is None else mask[:, BORDER:-BORDER, BORDER:-BORDER]
        return mean_within(self._of_windows(output, target), centres)

    def _of_windows(self, output: Tensor, target: Tensor) -> Tensor:
        height, width = output.shape[-2:]
        if min(height, width) < WINDOW:
            raise UsageError(f"ssim needs images of {WINDOW}x{WINDOW} at least, got {height}x{width}. Leave it out.")
        luminance, structure = _terms(output, target)
        return (luminance * structure).mean(1)


class MultiScaleSSIM(nn.Module):
    """Structural similarity at several scales, in [0, 1] (Wang et al. 2003, equation 7): mean over the channels.

    Contrast and structure of each scale, and luminance of the coarsest, are means over whole windows as in ``ssim``,
    raised to the published weights; those below 0 count as 0. Each scale halves the one before by means of 2x2 pixels,
    so five need images of 176 pixels. Fewer have the weights of the finest scales, divided by their sum, and are not
    comparable with five.

    Args:
        scales: Number of scales; the paper's is 5. Images of 128 pixels have room for 4, those of 64 for 3.

    Raises:
        UsageError: When called, if the images are too small for these scales.
    """

    higher_is_better: ClassVar[bool] = True
    better: ClassVar[str] = "closer in structure at all scales"

    def __init__(self, *, scales: Annotated[int, Field(ge=1, le=len(WEIGHTS))] = len(WEIGHTS)) -> None:
        super().__init__()
        total = sum(WEIGHTS[:scales]) if scales < len(WEIGHTS) else 1  # the published ones sum to 1.0001
        self.weights = [weight / total for weight in WEIGHTS[:scales]]

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        _check_room(output.shape[-2:], len(self.weights))
        similarity = torch.ones_like(output[:, :, 0, 0])  # (N, C)
        for weight in self.weights[:-1]:
            _, structure = _terms(output, target)
            similarity = similarity * structure.mean((2, 3)).clamp(min=0) ** weight
            output, target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
        luminance, structure = _terms(output, target)
        coarsest = (luminance * structure).mean((2, 3)).clamp(min=0)
        return (similarity * coarsest ** self.weights[-1]).mean(1)


def _check_room(size: torch.Size, scales: int) -> None:
    height, width = size
    if (least := WINDOW << scales - 1) <= min(height, width):
        return
    room = (min(height, width) // WINDOW).bit_length()
    remedy = f"Set its option scales to {room}, which is another figure, or leave it out" if room else "Leave it out"
    raise UsageError(
        f"ms-ssim of {scales} scales needs images of {least}x{least} at least, got {height}x{width}. {remedy}."
    )


def _terms(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return luminance, and contrast with structure, of each whole window: two of (N, C, H - 10, W - 10)."""
    mean_x, mean_y = _blurred(output), _blurred(target)
    var_x, var_y = _blurred(output**2) - mean_x**2, _blurred(target**2) - mean_y**2
    covariance = _blurred(output * target) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return luminance, (2 * covariance + C2) / (var_x + var_y + C2)


def _blurred(image: Tensor) -> Tensor:
    """Return the Gaussian mean of each whole window."""
    places = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - BORDER
    bell = torch.exp(-(places**2) / (2 * SIGMA**2))
    bell = (bell / bell.sum()).expand(image.shape[1], 1, 1, WINDOW)
    rows = F.conv2d(image, bell, groups=image.shape[1])
    return F.conv2d(rows, bell.transpose(2, 3), groups=image.shape[1])
