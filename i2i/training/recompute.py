"""Saves memory: blocks of networks keep only what they are given, and compute the rest again for the gradient.

Chen et al. 2016, arXiv 1604.06174, by `torch.utils.checkpoint`. A step has the same bits as without: the same random
numbers are drawn again, and a layer that changes its own state when it runs, such as batch norm or spectral norm, sees
the state that it saw, and changes it once.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import _get_current_function_mode_stack
from torch.utils.checkpoint import checkpoint

CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.Sequential)
"""Modules whose own work is that of their children."""


def blocks_of(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the parts of a network that compute again, each the smallest that is worth it.

    They are its children, and those of containers inside it, that have layers of their own. A container of nothing but
    layers is one; a layer alone keeps no more than it is given, and is none.
    """
    for child in network.children():
        if isinstance(child, CONTAINERS) and not all(map(_is_layer, child.children())):
            yield from blocks_of(child)
        elif not _is_layer(child):
            yield child


def _is_layer(module: nn.Module) -> bool:
    """Return whether a module is no more than one layer."""
    return not [*module.children()] or is_parametrized(module)


class Recomputing:
    """Within this context, blocks of networks compute again what the gradient needs; nothing of them changes.

    Args:
        networks: Whose blocks.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        self._blocks = [block for network in networks for block in blocks_of(network)]
        self._own: list[Any] = []

    def __enter__(self) -> Self:
        self._own = [vars(block).get("forward") for block in self._blocks]
        for block in self._blocks:
            vars(block)["forward"] = _Again(block, block.forward)
        return self

    def __exit__(self, *_: object) -> None:
        for block, own in zip(self._blocks, self._own, strict=True):
            del vars(block)["forward"]
            if own is not None:
                vars(block)["forward"] = own


class _Again:
    """Runs a block so that it runs once more for the gradient."""

    def __init__(self, block: nn.Module, forward: Callable[..., Any]) -> None:
        self._block, self._forward = block, forward

    def __call__(self, *given: Any, **options: Any) -> Any:
        if not torch.is_grad_enabled():
            return self._forward(*given, **options)
        before = _Before(self._block)
        return checkpoint(
            self._forward, *given, use_reentrant=False, context_fn=lambda: (nullcontext(), before), **options
        )


class _Before:
    """A context in which a block has the state that it has now; what it does to that is forgotten afterwards.

    Functions are computed as they are now too: torch leaves its function modes while it computes gradients.

    Raises:
        RuntimeError: On entering, if its weights are not what they were.
    """

    def __init__(self, block: nn.Module) -> None:
        self._block = block
        self._versions = [parameter._version for parameter in block.parameters()]
        self._state = [{name: _copied(value) for name, value in m._buffers.items()} for m in block.modules()]
        self._current: list[dict[str, Tensor | None]] = []
        self._modes = _get_current_function_mode_stack()
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        if self._versions != [parameter._version for parameter in self._block.parameters()]:
            raise RuntimeError(
                "A loss that was computed before an update of weights is differentiated after it, through these "
                "weights: its gradient would be wrong. Compute it after the update."
            )
        self._current = [dict(module._buffers) for module in self._block.modules()]
        self._put({name: _copied(value) for name, value in state.items()} for state in self._state)
        still = _get_current_function_mode_stack()
        for mode in self._modes:
            if mode not in still:
                self._entered.enter_context(mode)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()
        self._put(self._current)

    def _put(self, buffers: Iterable[dict[str, Tensor | None]]) -> None:
        for module, own in zip(self._block.modules(), buffers, strict=True):
            module._buffers.update(own)


def _copied(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach().clone()
