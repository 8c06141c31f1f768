"""Figures of a region: what counts is the mean over the pixels of a mask."""

from torch import Tensor


def mean_within(values: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of (N, H, W) over a mask (N, H, W) of bool, or over all pixels where it is None.

    Returns:
        (N,), NaN where a mask has no pixel.
    """
    if mask is None:
        return values.flatten(1).mean(1)
    return values.where(mask, 0).flatten(1).sum(1) / mask.flatten(1).sum(1)
