"""Structural similarity of images (N, C, H, W) in [-1, 1]; one figure an image."""

from typing import ClassVar

import kornia.metrics
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.errors import UsageError
from i2i_metrics.regions import mean_within

RANGE = 2.0  # from -1 to 1
WINDOW = 11
BORDER = WINDOW // 2


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
        return 1 - F.pad(_of_windows(output, target), (BORDER,) * 4, mode="replicate")

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        centres = None if mask is None else mask[:, BORDER:-BORDER, BORDER:-BORDER]
        return mean_within(_of_windows(output, target), centres)


def _of_windows(output: Tensor, target: Tensor) -> Tensor:
    """Return the similarity of each whole window, (N, H - 10, W - 10), the mean over the channels."""
    height, width = output.shape[-2:]
    if min(height, width) < WINDOW:
        raise UsageError(f"ssim needs images of {WINDOW}x{WINDOW} at least, got {height}x{width}. Leave it out.")
    return kornia.metrics.ssim(output, target, WINDOW, max_val=RANGE, padding="valid").mean(1)
