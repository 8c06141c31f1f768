"""Batch norm over the batches of all processes: the statistics are those of the whole batch of a step.

torch's ``SyncBatchNorm`` does the same, on GPUs alone, and in the place of modules. This works wherever processes can
talk to each other, with whatever calls `torch.nn.functional.batch_norm`, and its gradient has a gradient.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from i2i.training.ranks import Ranks


class SharedStatistics(TorchFunctionMode):
    """Computes batch norms that are trained by the statistics of all processes.

    Args:
        ranks: These.
        idle: Whether the items of this process only stand in for none, and count for nothing.
    """

    def __init__(self, ranks: Ranks, *, idle: bool = False) -> None:
        super().__init__()
        self._ranks, self._idle = ranks, idle

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not functional.batch_norm:
            return func(*args, **(kwargs or {}))
        return self._batch_norm(func, *args, **(kwargs or {}))

    def _batch_norm(
        self,
        func: Any,
        images: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            normed: Tensor = func(images, running_mean, running_var, weight, bias, training, momentum, eps)
            return normed
        mean, var, count = self._statistics(images)
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
                running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
        shape = (1, -1, *[1] * (images.dim() - 2))
        factor = torch.rsqrt(var + eps)
        if weight is not None:
            factor = factor * weight
        shift = -mean * factor
        if bias is not None:
            shift = shift + bias
        made = images * factor.view(shape) + shift.view(shape)
        return made.to(images.dtype)

    def _statistics(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and variance of each channel over all processes, (C,), and of how many values they are.

        Each process sends its own mean and variance, from which those of all follow (Chan et al. 1979): sums of squares
        would lose digits.
        """
        axes = [axis for axis in range(images.dim()) if axis != 1]
        exact = images.to(torch.promote_types(images.dtype, torch.float32))
        values = exact.new_full((1,), 0 if self._idle else images.numel() // images.shape[1])
        own = torch.cat([exact.mean(axes), exact.var(axes, correction=0), values])  # (2 C + 1,)
        # a place of its own for each process, so that their sum is all of them
        places = [own if place == self._ranks.rank.number else own.detach() * 0 for place in range(self._ranks.count)]
        told = _total(torch.stack(places), self._ranks, self._idle)  # (count, 2 C + 1)
        means, variances = told[:, :-1].chunk(2, dim=1)
        counts = told[:, -1:].detach()
        parts = counts / counts.sum()
        mean = (parts * means).sum(0)
        return mean, (parts * (variances + (means - mean).square())).sum(0), counts.sum()


class _Total(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of their gradients, of those that are not idle."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, ranks: Ranks, idle: bool) -> Tensor:
        ctx.ranks, ctx.idle = ranks, idle
        total = values.clone()
        ranks.add_up([total])
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        # times 0, and not zeros: every process goes through the same graph, also in the gradient of this one
        return _total(gradient * 0 if ctx.idle else gradient, ctx.ranks, ctx.idle), None, None


def _total(values: Tensor, ranks: Ranks, idle: bool) -> Tensor:
    total: Tensor = _Total.apply(values, ranks, idle)  # type: ignore[no-untyped-call]
    return total
