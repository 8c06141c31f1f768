"""Check of optimizers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from i2i.testing.basics import blame, built, completed, require, seeded

if TYPE_CHECKING:
    from torch import Tensor


@seeded(0)
def check_optimizer(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of optimizers.

    It is constructed with parameters and has an option ``lr``, which it reads anew at each step from its groups; its
    steps go downhill; and what it has gathered is in its state, as tensors and JSON.

    Raises:
        AssertionError: If it does not.
    """
    import torch

    saved = completed(cls, options)
    require(isinstance(saved.get("lr"), float), "it has no option 'lr' with a number for a default.")
    weights = torch.randn(4, 3, requires_grad=True)
    optimizer = built(cls, ([weights],), saved)
    require(isinstance(optimizer, torch.optim.Optimizer), f"{cls.__name__} is no torch.optim.Optimizer.")
    rates = [group.get("lr") for group in optimizer.param_groups]
    require(all(rate == saved["lr"] for rate in rates), f"its groups have the rates {rates}, not {saved['lr']}.")
    before = _loss(weights).item()
    for size in range(1, 6):  # gradients of one size look to Adam as if there was no past
        _step(optimizer, weights, size)
    require(_loss(weights).item() < before, f"five steps led from {before:.6g} to {_loss(weights).item():.6g}.")
    _check_state(cls, saved, optimizer, weights)
    still = weights.detach().clone()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    _step(optimizer, weights, 1)
    require(torch.equal(weights, still), "it moves where the lr of its groups is 0. Read it at each step.")


def _check_state(cls: type[Any], options: Mapping[str, Any], optimizer: Any, weights: Tensor) -> None:
    import torch

    again = weights.detach().clone().requires_grad_()
    other = built(cls, ([again],), options)
    with blame("its state"):
        state = deepcopy(optimizer.state_dict())
        kept = [value for values in state["state"].values() for value in values.values()]
        tensors = all(isinstance(value, torch.Tensor) for value in kept)
        require(tensors, "its state has something else than tensors for a parameter.")
        other.load_state_dict({**state, "param_groups": json.loads(json.dumps(state["param_groups"]))})
        for trained, theirs in ((optimizer, weights), (other, again)):
            _step(trained, theirs, 1)
    require(torch.equal(weights, again), "it goes on otherwise when its state was saved and loaded.")


def _step(optimizer: Any, weights: Tensor, size: int) -> None:
    optimizer.zero_grad()
    (size * _loss(weights)).backward()
    optimizer.step()


def _loss(weights: Tensor) -> Tensor:
    return (weights - 3).square().mean()
