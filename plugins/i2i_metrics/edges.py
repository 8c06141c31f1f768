"""Whether edges are where they really are."""

import math
from typing import Annotated, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_metrics.pixels import mean_within

TOLERANCE = 0.0075
"""Of the diagonal: how far apart edges are the same (Martin et al. 2004, section III)."""
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


class EdgeF(nn.Module):
    """F-measure of the edges, in [0, 1]: harmonic mean of precision and recall, as of boundaries (Martin et al. 2004).

    Precision is the part of the output's edge pixels that are near an edge of the target, recall the part of the
    target's that are near one of the output; near is within 0.0075 of the diagonal, and at least 1 pixel. Any edge in
    reach is a match, where that benchmark pairs pixels one to one, so figures are a little higher. Edges are found by
    Canny's method in 8-bit luminance, with the same thresholds in both: what is blurred loses its edges. Where neither
    has one, nothing can be measured; where one alone has, it is 0. A region has the edge pixels inside of it, wherever
    their matches are.

    Args:
        sigma: Of the Gaussian that smooths both images before, in pixels.
        low: Gradient above which an edge goes on, as length of Sobel's two filters (8 x the levels per pixel).
        high: Gradient above which an edge begins.

    Raises:
        UsageError: If ``low`` is above ``high``.
    """

    higher_is_better: ClassVar[bool] = True
    better: ClassVar[str] = "with more of its edges in place"

    def __init__(
        self,
        *,
        sigma: Annotated[float, Field(gt=0)] = 1.0,
        low: Annotated[float, Field(ge=0)] = 100.0,
        high: Annotated[float, Field(gt=0)] = 200.0,
    ) -> None:
        super().__init__()
        if low > high:
            raise UsageError(f"edge-f has low {low:g} above high {high:g}. Set low to that or less.")
        self.sigma, self.low, self.high = sigma, low, high

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        """Return 1 where an edge of either has no match, else 0: (N, H, W)."""
        made, real = self._edges(output), self._edges(target)
        return ((made & ~_around(real)) | (real & ~_around(made))).float().to(output.device)

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Compare (N, C, H, W) with (N, C, H, W); returns (N,)."""
        made, real = self._edges(output), self._edges(target)
        counted = torch.ones_like(made) if mask is None else mask.cpu()
        precision = mean_within(_around(real).float(), made & counted).nan_to_num(0)  # NaN: without an edge
        recall = mean_within(_around(made).float(), real & counted).nan_to_num(0)
        score = (2 * precision * recall / (precision + recall)).nan_to_num(0)
        either = ((made | real) & counted).flatten(1).any(1)
        return score.where(either, math.nan).to(output.device)

    def _edges(self, image: Tensor) -> Tensor:
        """Return where edges are: (N, H, W) of bool, on the CPU."""
        levels = ((_luminance(image.detach().float()) / 2 + 0.5) * 255).round().clamp(0, 255).to(torch.uint8)
        return torch.stack([torch.from_numpy(self._canny(one)) for one in levels.cpu().numpy()])

    def _canny(self, levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        smooth = cv2.GaussianBlur(levels, (0, 0), self.sigma)
        return np.asarray(cv2.Canny(smooth, self.low, self.high, L2gradient=True) > 0)


def _luminance(image: Tensor) -> Tensor:
    """Return (N, H, W): of RGB the luminance, else the mean over the channels."""
    if image.shape[1] != len(LUMINANCE):
        return image.mean(1)
    return (image * image.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1)


def _around(edges: Tensor) -> Tensor:
    """Return which pixels (N, H, W) are near an edge."""
    reach = max(1.0, TOLERANCE * math.hypot(*edges.shape[1:]))
    return torch.stack([torch.from_numpy(_distances(one) <= reach) for one in edges.numpy()])


def _distances(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each pixel is from the nearest edge, in pixels; nowhere near where there is none."""
    if not edges.any():
        return np.full(edges.shape, np.inf, np.float32)
    far = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(far, np.float32)
