"""Whether a set has the colours of another, wherever they are (Isola et al. 2017, section 4.2 and figure 7)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError

FARTHEST = 110.0
"""From 0, in Lab, that a colour of sRGB is: L in [0, 100], a in [-87, 99], b in [-108, 95]."""


class LabHistogram(nn.Module):
    """Intersection of the histograms of L, a and b over two sets of images, each in [0, 1] (Swain and Ballard 1991).

    It is the part of all pixels that have a partner of the same L, a or b in the other set: ``sum(min(p, q))`` over the
    bins of both distributions. Lab is CIE 1976 of sRGB under D65. Gray images have L alone. After figure 7 of pix2pix,
    where it is of plain probabilities too (its plots are of their logarithms); which bins they took is not said there,
    so figures are near theirs, not the same.

    Args:
        width: Of a bin; bins are centred on the multiples of it, of L, a and b alike.

    Raises:
        UsageError: When called, if images are neither RGB nor gray.
    """

    higher_is_better: ClassVar[bool] = True
    pairs: ClassVar[bool] = False
    better: ClassVar[str] = "closer in the distribution of colours"

    def __init__(self, *, width: Annotated[float, Field(gt=0, le=FARTHEST)] = 1.0) -> None:
        super().__init__()
        self.width = width

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Count values of (N, C, H, W); returns (N, 2, 3, bins) of output and target, or (N, 2, 1, bins) of gray."""
        return torch.stack([self._counts(output, mask), self._counts(target, mask)], dim=1)

    def aggregate(self, seen: Tensor) -> Mapping[str, float]:
        """Return the intersection of each of ``L``, ``a`` and ``b``; NaN where no pixel was counted."""
        counts = seen.sum(0).double()
        made, real = counts / counts.sum(-1, keepdim=True)
        return dict(zip("Lab", torch.minimum(made, real).sum(-1).tolist(), strict=False))  # of gray, L alone

    def _counts(self, image: Tensor, mask: Tensor | None) -> Tensor:
        """Return how many pixels are in each bin, (N, 3 or 1, bins) of int64."""
        values = _lab(image)
        reach = round(FARTHEST / self.width)
        bins = (values / self.width).round().long().clamp(-reach, reach) + reach
        counted = torch.ones_like(bins) if mask is None else mask[:, None].expand_as(bins).long()
        empty = bins.new_zeros(*bins.shape[:2], 2 * reach + 1)
        return empty.scatter_add_(2, bins.flatten(2), counted.flatten(2))


def _lab(image: Tensor) -> Tensor:
    """Return (N, 3, H, W) of L, a and b, or (N, 1, H, W) of L where images are gray."""
    channels = image.shape[1]
    if channels not in (1, 3):
        raise UsageError(f"lab-histogram measures RGB or gray images, got {channels} channels. Leave it out.")
    from kornia.color import rgb_to_lab  # whose import takes half a second

    rgb = (image.float() / 2 + 0.5).clamp(0, 1).expand(-1, 3, -1, -1)
    return rgb_to_lab(rgb)[:, :channels]
