"""Inference modes: whether dropout is on, and which statistics batch norm uses."""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.overrides import TorchFunctionMode

from i2i.config import Mode


def in_mode(network: nn.Module, mode: Mode) -> nn.Module:
    """Return the form of a network that runs in a mode: frozen, and no call changes it.

    It shares the values of parameters and buffers with the network, which is left as it is and may go on training, so
    one network may have a form for each mode side by side. In ``paper`` and ``deterministic``, batch norm has no
    running averages and takes the statistics of what it is given: of each image on its own where `inference` runs it.
    """
    form = _frozen(network).eval()
    for module in form.modules():
        if isinstance(module, _BatchNorm) and mode != "running":
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
        elif isinstance(module, _DropoutNd):
            module.train(mode == "paper")
    return form


def _frozen(network: nn.Module) -> nn.Module:
    """Copy the modules around the same values, none of which then takes part in training."""
    shared: dict[int, Any] = {}
    for module in network.modules():
        for value in chain(module.parameters(recurse=False), module.buffers(recurse=False), vars(module).values()):
            if isinstance(value, nn.Parameter):
                shared[id(value)] = nn.Parameter(value.detach(), requires_grad=False)
            elif isinstance(value, Tensor):
                shared[id(value)] = value.detach()
    return copy.deepcopy(network, shared)


@contextmanager
def inference(seed: int, items: int = 1) -> Iterator["Noise"]:
    """Run a form of a network in this thread, without gradients, with its noise drawn from ``seed`` alone.

    Torch's own generators are neither read nor changed.

    Args:
        seed: Of the noise.
        items: How many a batch has, each of which is computed as if it were alone, in so far as batch norm and dropout
            decide it.
    """
    with torch.inference_mode(), Singly(items) if items > 1 else nullcontext(), Noise(seed, items) as noise:
        yield noise


class Singly(TorchFunctionMode):
    """Lets batch norm without running averages take the statistics of each item of a batch: those of instance norm.

    Args:
        items: How many a batch has.
    """

    def __init__(self, items: int) -> None:
        super().__init__()
        self._items = items

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.batch_norm:
            return self._normed(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _normed(
        self,
        image: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """Norm maps, as ``torch.nn.functional.batch_norm`` takes them."""
        if running_mean is None and len(image) == self._items and image.ndim > 2:
            return functional.instance_norm(image, None, None, weight, bias, True, momentum, eps)
        return functional.batch_norm(image, running_mean, running_var, weight, bias, training, momentum, eps)


class Noise(TorchFunctionMode):
    """Draws what is drawn in this thread from generators of its own, one for each device.

    Dropout takes no generator, so its arithmetic stands here; on the CPU the values are those that torch itself would
    have drawn after ``manual_seed(seed)``. It drops of each item of a batch what it would drop of it alone.

    Args:
        seed: Of all that is drawn.
        items: How many a batch has.
    """

    def __init__(self, seed: int, items: int = 1) -> None:
        super().__init__()
        self._seed, self._items = seed, items
        self._generators: dict[torch.device, torch.Generator] = {}
        self.mixed = False
        """Whether something was drawn for a batch that is not what would be drawn for each of its items alone."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if (kind := DROPOUTS.get(func)) is not None:
            return self._dropped(kind, *args, **kwargs)
        if func in LIKE or func in DRAWS:
            self.mixed = self._items > 1
        if (draw := LIKE.get(func)) is not None:
            return draw(torch.empty_like(*args, **kwargs), generator=self._generator(args[0].device))
        if func in DRAWS and kwargs.get("generator") is None:
            tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
            device = tensors[0].device if tensors else kwargs.get("device") or torch.get_default_device()
            kwargs = {**kwargs, "generator": self._generator(torch.device(device))}
        return func(*args, **kwargs)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]

    def _dropped(self, kind: "_Dropout", image: Tensor, *, p: float, training: bool, inplace: bool) -> Tensor:
        if not training or p == 0:
            return image
        if p == 1:
            return image.mul_(0) if inplace else image * 0
        one_for_each = tuple(image.shape[:2] if kind.channels else image.shape)
        if self._items > 1 and len(image) == self._items:
            one_for_each = (1, *one_for_each[1:])
        elif self._items > 1:
            self.mixed = True
        noise = image.new_empty(one_for_each + (1,) * (image.ndim - len(one_for_each)))
        noise.bernoulli_(1 - p, generator=self._generator(image.device))
        if not kind.alpha:
            noise.div_(1 - p)
            return image.mul_(noise) if inplace else image * noise
        scale = 1 / math.sqrt((ALPHA**2 * p + 1) * (1 - p))
        shift = noise.add(-1).mul_(ALPHA * scale).add_(ALPHA * scale * p)
        noise.mul_(scale)
        return (image.mul_(noise) if inplace else image * noise).add_(shift)


class _Dropout(NamedTuple):
    """What one of torch's functions drops."""

    channels: bool = False
    """Whole channels, not single values."""
    alpha: bool = False
    """To the least value of SELU instead of zero, keeping mean and variance."""


ALPHA = 1.7580993408473766
"""SELU's scale times its alpha (Klambauer et al. 2017, arXiv 1706.02515, section "New dropout technique")."""
DROPOUTS: dict[Any, _Dropout] = {
    functional.dropout: _Dropout(),
    functional.dropout1d: _Dropout(channels=True),
    functional.dropout2d: _Dropout(channels=True),
    functional.dropout3d: _Dropout(channels=True),
    functional.alpha_dropout: _Dropout(alpha=True),
    functional.feature_alpha_dropout: _Dropout(channels=True, alpha=True),
}
LIKE = {torch.rand_like: Tensor.uniform_, torch.randn_like: Tensor.normal_}
DRAWS = {
    *(torch.rand, torch.randn, torch.randint, torch.randperm, torch.normal, torch.bernoulli, torch.multinomial),
    *(Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_, Tensor.bernoulli, Tensor.exponential_, Tensor.random_),
}
"""Functions that take a generator."""
