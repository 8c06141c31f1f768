"""Norms by the statistics of what they are given, in two steps: moments of each channel, then a scale and shift.

The sums of parts of a map add up to those of the whole.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Norm(NamedTuple):
    """A norm that takes statistics of maps (N, C, ...)."""

    weight: Tensor | None
    bias: Tensor | None
    eps: float
    groups: int = 0
    """Of channels that have statistics in common; 0 where each has its own."""
    together: bool = False
    """Whether the items of a batch have statistics in common."""


def batch_norm(
    _: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *__: Any,
) -> Norm | None:
    """Read a call of torch's operator; None where it uses or changes running averages."""
    return Norm(weight, bias, eps, together=True) if mean is None and variance is None and training else None


def instance_norm(*given: Any) -> Norm | None:
    """Read a call of torch's operator; None where it uses or changes running averages."""
    norm = batch_norm(*given)
    return norm and norm._replace(together=False)


def group_norm(
    _: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5, *__: Any
) -> Norm:
    """Read a call of torch's operator."""
    return Norm(weight, bias, eps, groups)


def sums(maps: Tensor) -> Tensor:
    """Return sums of the values and of their squares of each channel, (2, N, C) in float64, of (N, C, ..., W)."""
    wide = torch.promote_types(maps.dtype, torch.float32)
    lines = maps.sum(-1, dtype=wide), torch.linalg.vector_norm(maps, dim=-1, dtype=wide).double().square()
    return torch.stack([each.double().flatten(2).sum(2) if each.ndim > 2 else each.double() for each in lines])


def moments(maps: Tensor) -> Tensor:
    """Return means of the values and of their squares of each channel, (2, N, C) in float64."""
    return sums(maps) / maps[0, 0].numel()


def coefficients(moments: Tensor, weight: Tensor | None, bias: Tensor | None, norm: Norm, dimensions: int) -> Tensor:
    """Return the scale and shift of each channel that norm it, (2, N, C, 1, ...) in float32.

    Args:
        moments: As `moments` returns them.
        weight: Of the norm.
        bias: Of the norm.
        norm: The rest of it.
        dimensions: Of the maps.
    """
    pooled = moments.mean(1, keepdim=True).expand_as(moments) if norm.together else moments
    if norm.groups:
        pooled = moments.unflatten(2, (norm.groups, -1))
        pooled = pooled.mean(3, keepdim=True).expand_as(pooled).flatten(2)
    mean, square = pooled
    scale = (square - mean.square()).clamp(min=0).add(norm.eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return torch.stack([scale, shift]).float()[(..., *[None] * (dimensions - 2))]


def scaled(maps: Tensor, coefficients: Tensor) -> Tensor:
    """Scale and shift each channel of (N, C, ...)."""
    scale, shift = coefficients.to(maps.dtype)
    return torch.addcmul(shift, maps, scale)
