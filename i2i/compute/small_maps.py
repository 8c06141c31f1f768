"""Convolutions of small maps as matrix products.

A convolution library lays weights out anew on every call. Where a map has a few pixels only, as around the bottleneck
of a U-Net, that costs more than the arithmetic: there, a product on the weights as they are stored takes a half to a
quarter of the time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from i2i.compute.convolutions import Convolution, convolution_of

CONVOLVED = 64
"""Pixels of output, of all images in a batch, up to which a convolution is faster as a product."""
TRANSPOSED = 256
"""Pixels of input, of all images in a batch, up to which a transposed convolution is."""

PLAIN, LAST = torch.contiguous_format, torch.channels_last


class SmallMaps(TorchFunctionMode):
    """Computes ``conv2d`` and ``conv_transpose2d`` of small maps as products, in this thread, of whatever network.

    The arithmetic is the same and so are its derivatives of any order; sums are rounded in another order. It is for the
    CPU and real numbers: whatever else there is goes on to torch, as do maps with more pixels and grouped convolutions.
    Under autocast products are in float32 all the same, and torch is given the other maps channels last, as its
    convolutions in bfloat16 are fastest.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = convolution_of(func, args, kwargs)
        made = None if call is None else _transposed(call) if call.transposed else _convolved(call)
        return func(*args, **(kwargs or {})) if made is None else made


def _convolved(call: Convolution) -> Tensor | None:
    """Return a convolution, or None where it is no product."""
    if not _takes(call):
        return None
    image, weight, s = call.image, call.weight, call.settings
    kernel = (weight.shape[2], weight.shape[3])
    height, width = (
        (side + 2 * p - d * (k - 1) - 1) // step + 1
        for side, p, d, k, step in zip(image.shape[2:], s.padding, s.dilation, kernel, s.stride, strict=True)
    )
    if min(height, width) < 1 or len(image) * height * width > CONVOLVED:
        return None
    with torch.autocast("cpu", enabled=False):
        # (N, C * kernel, pixels)
        patches = functional.unfold(_wide(image), kernel, s.dilation, s.padding, s.stride)
        made = functional.linear(_rows(patches), weight.flatten(1), call.bias)
        return _maps(made, len(image)).view(len(image), -1, height, width)


def _transposed(call: Convolution) -> Tensor | None:
    """Return a transposed convolution, or None where it is no product."""
    if not _takes(call):
        return None
    weight, s = call.weight, call.settings
    count, _, height, width = call.image.shape
    if count * height * width > TRANSPOSED:
        return None
    kernel = (weight.shape[2], weight.shape[3])
    size = tuple(
        (side - 1) * step - 2 * p + d * (k - 1) + more + 1
        for side, step, p, d, k, more in zip(
            (height, width), s.stride, s.padding, s.dilation, kernel, s.output_padding, strict=True
        )
    )
    if min(size) < 1:
        return None
    with torch.autocast("cpu", enabled=False):
        rows = _rows(_wide(call.image).flatten(2))
        patches = _maps(torch.mm(rows, weight.flatten(1)), count)  # (N, out channels * kernel, pixels)
        made = functional.fold(patches, size, kernel, s.dilation, s.padding, s.stride)
        return made if call.bias is None else made + call.bias.view(-1, 1, 1)


def _takes(call: Convolution) -> bool:
    """Return whether a product can take these; what torch itself refuses is left to its own words."""
    image, weight = call.image, call.weight
    return (
        call.settings.groups == 1
        and image.ndim == weight.ndim == 4
        and image.shape[1] == weight.shape[0 if call.transposed else 1]
        and len(image) > 0
        and image.device.type == weight.device.type == "cpu"
        and weight.dtype in (torch.float32, torch.float64)
        and (image.dtype is weight.dtype or torch.is_autocast_enabled("cpu"))
    )


def _wide(image: Tensor) -> Tensor:
    """Return what autocast has made narrow in float32 again."""
    return image.float() if image.dtype is torch.bfloat16 else image


def _laid(maps: Tensor, layout: torch.memory_format, back: torch.memory_format) -> Tensor:
    """Lay maps out in one way in memory, and their gradients in another."""
    laid: Tensor = _Laid.apply(maps, layout, back)  # type: ignore[no-untyped-call]
    return laid


def _rows(maps: Tensor) -> Tensor:
    """Lay maps (N, C, pixels) out as rows (N * pixels, C), one a pixel."""
    rows: Tensor = _Rows.apply(maps)  # type: ignore[no-untyped-call]
    return rows


def _maps(rows: Tensor, count: int) -> Tensor:
    """Lay rows out as the maps that they were."""
    maps: Tensor = _Maps.apply(rows, count)  # type: ignore[no-untyped-call]
    return maps


class _Rows(torch.autograd.Function):
    """Makes rows of maps, in memory too: of few rows, products are up to six times as fast.

    Gradients come as they lie in memory, as those of torch's convolutions do: torch's instance norm takes any other
    for what it is not, and its gradients are wrong then.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        ctx.count = len(maps)
        return maps.transpose(1, 2).contiguous().flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, rows: Tensor) -> Any:
        return _maps(rows, ctx.count)


class _Maps(torch.autograd.Function):
    """The way back of `_Rows`, of which each is the derivative of the other."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, count: int) -> Tensor:
        return rows.view(count, -1, rows.shape[1]).transpose(1, 2).contiguous()

    @staticmethod
    def backward(ctx: Any, maps: Tensor) -> Any:
        return _rows(maps), None


class _Laid(torch.autograd.Function):
    """Chooses how maps lie in memory, and how their gradients do; see `_Rows`."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, layout: torch.memory_format, back: torch.memory_format) -> Tensor:
        ctx.ways = layout, back
        return maps.contiguous(memory_format=layout)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        layout, back = ctx.ways
        return _laid(gradient, back, layout), None, None
