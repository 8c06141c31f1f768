"""Optimizers that come with the engine: torch's, with their options described and limited.

Where torch has a fused form for the parameters, that is used: one kernel for all of them.
"""

from collections.abc import Iterable
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from i2i.uncompiled import without_compiler

Rate = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]


@without_compiler
class Adam(torch.optim.Adam):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980).

    Args:
        lr: Learning rate.
        betas: Decay rates of the running averages of the gradient and of its square.
        eps: Added to the root of the latter, against division by zero.
        weight_decay: Weight of the squared weights, added to the gradient.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Rate = 2e-4,
        betas: tuple[Decay, Decay] = (0.9, 0.999),
        eps: Rate = 1e-8,
        weight_decay: NotNegative = 0.0,
    ) -> None:
        found = list(parameters)
        super().__init__(found, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=_can_be_fused(found))


@without_compiler
class AdamW(torch.optim.AdamW):
    """Adam whose weight decay is not part of the gradient (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Args:
        lr: Learning rate.
        betas: Decay rates of the running averages of the gradient and of its square.
        eps: Added to the root of the latter, against division by zero.
        weight_decay: By how much weights shrink at each step, in parts of the learning rate.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Rate = 2e-4,
        betas: tuple[Decay, Decay] = (0.9, 0.999),
        eps: Rate = 1e-8,
        weight_decay: NotNegative = 0.01,
    ) -> None:
        found = list(parameters)
        super().__init__(found, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=_can_be_fused(found))


@without_compiler
class SGD(torch.optim.SGD):
    """Gradient descent, with momentum if wanted.

    Args:
        lr: Learning rate.
        momentum: How much of the last step is made again.
        nesterov: Whether the gradient is looked at ahead of the momentum (Sutskever et al. 2013); needs momentum.
        weight_decay: Weight of the squared weights, added to the gradient.

    Raises:
        ValueError: If ``nesterov`` is asked for without momentum.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Rate = 1e-3,
        momentum: Decay = 0.0,
        nesterov: bool = False,
        weight_decay: NotNegative = 0.0,
    ) -> None:
        if nesterov and not momentum:
            raise ValueError("nesterov is true and momentum is 0. Set momentum too, such as 0.9.")
        found = list(parameters)
        super().__init__(
            found,
            lr=lr,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            fused=_can_be_fused(found),
        )


@without_compiler
class RMSprop(torch.optim.RMSprop):
    """Gradient descent in parts of the gradient's recent size (Tieleman and Hinton 2012, lecture 6.5).

    Args:
        lr: Learning rate.
        alpha: Decay rate of the running average of the squared gradient.
        eps: Added to its root, against division by zero.
        momentum: How much of the last step is made again.
        centered: Whether the mean of the gradient is taken off first (Graves 2013, arXiv 1308.0850).
        weight_decay: Weight of the squared weights, added to the gradient.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Rate = 2e-4,
        alpha: Decay = 0.99,
        eps: Rate = 1e-8,
        momentum: Decay = 0.0,
        centered: bool = False,
        weight_decay: NotNegative = 0.0,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            centered=centered,
            weight_decay=weight_decay,
        )


def _can_be_fused(parameters: Iterable[nn.Parameter]) -> bool:
    return all(p.device.type in {"cpu", "cuda"} and p.is_floating_point() for p in parameters)
