"""Put batch norm's running averages into the convolution before it, where a run shows that there is just one."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from i2i.compute.convolutions import convolution_of
from i2i.exporting.forms import rewrite


def fold(network: nn.Module, run: Callable[[], object]) -> None:
    """Fold norms in place: those that a run gives what one convolution makes, which nothing else looks at.

    Others stay as they are, which is the same arithmetic. Weights are replaced and not written into.

    Args:
        network: In evaluation; its batch norms have running averages.
        run: Computes something with it.
    """
    with torch.inference_mode(), _Watching() as watched:
        run()
    norms = {id(module.running_mean): module for module in network.modules() if isinstance(module, _BatchNorm)}
    convolutions: dict[int, list[nn.Module]] = {}
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and isinstance(module.weight, nn.Parameter):
            convolutions.setdefault(id(module.weight), []).append(module)
    folded = set[int]()
    for call in watched.normed:
        norm, found = norms.get(call.norm), convolutions.get(call.weight, [])
        alone = watched.calls.count(call.weight) == watched.norms.count(call.norm) == watched.uses[call.made] == 1
        if norm is not None and len(found) == 1 and alone:
            _fold(found[0], norm)
            folded.add(id(norm))
    rewrite(network, lambda module: nn.Identity() if id(module) in folded else None)


@torch.no_grad()
def _fold(convolution: Any, norm: _BatchNorm) -> None:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = (variance + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    shift = -mean * scale + (0 if norm.bias is None else norm.bias)
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    groups = convolution.groups
    if isinstance(convolution, nn.ConvTranspose2d):  # (in, out of a group, ...)
        per_input = scale.view(groups, 1, -1).expand(-1, len(convolution.weight) // groups, -1).flatten(0, 1)
        weight = convolution.weight * per_input[:, :, None, None]
    else:
        weight = convolution.weight * scale[:, None, None, None]
    convolution.weight = nn.Parameter(weight, requires_grad=False)
    convolution.bias = nn.Parameter(shift, requires_grad=False)


class _Normed(NamedTuple):
    """A norm of what a convolution made; each by the identity of a tensor."""

    made: int
    weight: int
    norm: int


class _Watching(TorchFunctionMode):
    """Notes which convolution made what, and who looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        """Weights of convolutions."""
        self.norms: list[int] = []
        """Running means."""
        self.normed: list[_Normed] = []
        self.uses: dict[int, int] = {}
        """How often what a convolution made is looked at."""
        self._made: dict[int, tuple[int, Tensor]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        returned = func(*args, **kwargs)
        if not isinstance(returned, FACTS):
            for tensor in _tensors([*args, *kwargs.values()]):
                if id(tensor) in self._made:
                    self.uses[id(tensor)] += 1
        if func is F.batch_norm:
            image, mean = args[0], args[1]
            self.norms.append(id(mean))
            if id(image) in self._made:
                self.normed.append(_Normed(id(image), self._made[id(image)][0], id(mean)))
        if (call := convolution_of(func, args, kwargs)) is not None:
            self.calls.append(id(call.weight))
            self._made[id(returned)] = id(call.weight), returned  # kept, so that no other tensor has its identity
            self.uses[id(returned)] = 0
        return returned


FACTS = (bool, int, float, str, torch.Size, torch.dtype, torch.device, torch.layout)
"""What is returned by whoever only looks at a tensor's shape and the like."""


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
