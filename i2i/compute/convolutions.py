"""Calls of torch's 2-d convolutions, whatever way their settings are said: what modes of this package look at."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

Sides = int | tuple[int, ...]
"""One number for height and width, or two."""


class Settings(NamedTuple):
    """All of a convolution but its input and its weights."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    output_padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


class Convolution(NamedTuple):
    """A call of ``conv2d``, or of ``conv_transpose2d``."""

    transposed: bool
    image: Tensor
    weight: Tensor
    bias: Tensor | None
    settings: Settings


def convolution_of(func: Any, args: Any, kwargs: Any) -> Convolution | None:
    """Return the convolution that a call of a function is; None of another function, or of a padding in words."""
    read = READ.get(func)
    return read(*args, **(kwargs or {})) if read else None


def _convolved(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sides = 1,
    padding: Sides | str = 0,
    dilation: Sides = 1,
    groups: int = 1,
) -> Convolution | None:
    """Read a call; parameters are called as torch's, for they may be said by name."""
    if isinstance(padding, str):
        return None
    settings = Settings(_both(stride), _both(padding), (0, 0), _both(dilation), groups)
    return Convolution(False, input, weight, bias, settings)


def _transposed(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sides = 1,
    padding: Sides = 0,
    output_padding: Sides = 0,
    groups: int = 1,
    dilation: Sides = 1,
) -> Convolution:
    settings = Settings(_both(stride), _both(padding), _both(output_padding), _both(dilation), groups)
    return Convolution(True, input, weight, bias, settings)


def _both(sides: Sides) -> tuple[int, int]:
    return (sides, sides) if isinstance(sides, int) else (sides[0], sides[-1])


READ: dict[Any, Any] = {torch.conv2d: _convolved, torch.conv_transpose2d: _transposed}
