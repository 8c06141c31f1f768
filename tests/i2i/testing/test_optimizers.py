"""What the check of optimizers passes and what it names: one planted bug a case."""

from typing import Any

import pytest
import torch

from i2i.optimizers import SGD
from i2i.testing import check_optimizer


class Signs(torch.optim.Optimizer):
    """Steps of one length, against the signs of the running mean of the gradient.

    Args:
        lr: Learning rate.
    """

    def __init__(self, parameters: Any, *, lr: float = 1e-3) -> None:
        super().__init__(parameters, {"lr": lr})

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 0.1)
                parameter.data.sub_(group["lr"] * mean.sign())


class Forgets(SGD):
    """Does not save its momentum.

    Args:
        lr: Learning rate.
    """

    def __init__(self, parameters: Any, *, lr: float = 1e-3) -> None:
        super().__init__(parameters, lr=lr, momentum=0.9)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "state": {}}


class Counts(Signs):
    """Keeps a number in its state."""

    def step(self, closure: Any = None) -> Any:
        super().step()
        for state in self.state.values():
            state["count"] = 1


class Climbs(Signs):
    """Goes uphill."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.add_(group["lr"] * parameter.grad)


class Remembers(Signs):
    """Has the rate that it began with.

    Args:
        lr: Learning rate.
    """

    def __init__(self, parameters: Any, *, lr: float = 1e-3) -> None:
        super().__init__(parameters, lr=lr)
        self.first = lr

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.sub_(self.first * parameter.grad)


class Nameless(Signs):
    """Has no option ``lr``.

    Args:
        rate: Learning rate.
    """

    def __init__(self, parameters: Any, *, rate: float = 1e-3) -> None:
        super().__init__(parameters, lr=rate)


class NoOptimizer:
    """Has nothing but the option.

    Args:
        lr: Learning rate.
    """

    def __init__(self, parameters: Any, *, lr: float = 1e-3) -> None: ...


def test_what_is_sound_passes() -> None:
    check_optimizer(Signs)
    check_optimizer(SGD, {"momentum": 0.9, "nesterov": True})


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Forgets, "it goes on otherwise when its state was saved and loaded."),
        (Counts, "its state has something else than tensors for a parameter."),
        (Climbs, "five steps led from"),
        (Remembers, "it moves where the lr of its groups is 0."),
        (Nameless, "it has no option 'lr'"),
        (NoOptimizer, "NoOptimizer is no torch.optim.Optimizer."),
    ],
)
def test_bug_of_an_optimizer_is_named(cls: type[Any], reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_optimizer(cls)
    assert reason in str(error.value)
