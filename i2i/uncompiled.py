"""Do without torch's compiler, `torch._dynamo`, whose import takes as long as that of torch itself.

Torch wraps functions that the compiler is to leave alone, and imports it for that at their first call.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import unwrap
from types import ModuleType
from typing import Any, TypeVar

import torch

COMPILER = "torch._dynamo"

T = TypeVar("T", bound=type[torch.optim.Optimizer])


def without_compiler(optimizer: T) -> T:
    """Make a class of optimizers do what it does without the compiler."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        setattr(optimizer, name, unwrap(getattr(optimizer, name)))
    optimizer.step = torch.no_grad()(unwrap(optimizer.step))  # type: ignore[method-assign]
    return optimizer


def seed_torch(seed: int) -> None:
    """Seed torch's global generators, as `torch.manual_seed` does."""
    unwrap(torch.manual_seed)(seed)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let torch find what leaves functions as they are in place of the compiler; whoever wants more of it gets it.

    For computations on the device ``meta``, many of which torch has written in Python.
    """
    if COMPILER in sys.modules:
        yield
        return
    stand_in = ModuleType(COMPILER)

    def leave() -> None:
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]
            vars(torch).pop("_dynamo", None)

    def more(name: str) -> Any:
        if name.startswith("__"):  # asked by Python itself, whenever something is imported from a module
            raise AttributeError(name)
        leave()
        return getattr(import_module(COMPILER), name)

    vars(stand_in).update(disable=_as_it_is, __getattr__=more)
    sys.modules[COMPILER] = stand_in
    try:
        yield
    finally:
        leave()


def _as_it_is(function: Any, *_: Any, **__: Any) -> Any:
    return function
