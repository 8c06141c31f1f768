"""Do without torch's compiler, `torch._dynamo`, and its symbolic shapes: to import both takes as long as torch itself.

Torch wraps functions that the compiler is to leave alone, and imports it for that at their first call. On the device
``meta`` it works out shapes with functions that take symbols as well, and imports sympy for them.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from inspect import unwrap
from types import ModuleType
from typing import Any, TypeVar

import torch

COMPILER = "torch._dynamo"
SYMPY = "sympy"
SYMBOLS = "torch.fx.experimental.symbolic_shapes"

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
    """Let torch find what does without the compiler and symbols in their place; whoever wants more of them gets them.

    For computations on the device ``meta``, many of which torch has written in Python.
    """
    with ExitStack() as stand_ins:
        for name, found in STAND_INS.items():
            stand_ins.enter_context(_standing_in(name, found))
        yield


@contextmanager
def _standing_in(name: str, found: Mapping[str, Any]) -> Iterator[None]:
    """Let some of a module be found without it, unless it is imported already."""
    if name in sys.modules or (spec := find_spec(name)) is None:
        yield
        return
    sys.modules[name] = _StandIn(spec, found)
    try:
        yield
    finally:
        _dismiss(name)


class _StandIn(ModuleType):
    """Has some of a module, and gives way to it as soon as more is asked of it."""

    def __init__(self, spec: ModuleSpec, found: Mapping[str, Any]) -> None:
        super().__init__(spec.name)
        vars(self).update(found, __spec__=spec)
        self._found = found

    def __getattr__(self, wanted: str) -> Any:
        if wanted.startswith("__"):  # asked by Python itself, whenever something is imported from a module
            raise AttributeError(wanted)
        return getattr(_imported(self.__name__), wanted)

    def empty(self) -> None:
        """Leave nothing that whoever keeps the stand-in could take for what the module has."""
        for name in self._found:
            vars(self).pop(name, None)


def _dismiss(name: str) -> None:
    if isinstance(stand_in := sys.modules.get(name), _StandIn):
        stand_in.empty()
        del sys.modules[name]
        parent, _, own_name = name.rpartition(".")
        if parent:
            vars(sys.modules[parent]).pop(own_name, None)


def _imported(name: str) -> ModuleType:
    _dismiss(name)
    return import_module(name)


def _as_it_is(function: Any, *_: Any, **__: Any) -> Any:
    return function


def _of_numbers(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Answer for plain numbers and shapes; for symbols, as torch's own function of that name does."""

    def function(*values: Any, **options: Any) -> Any:
        if all(map(_is_plain, values)):
            return answer(*values)
        return getattr(_imported(SYMBOLS), name)(*values, **options)

    return function


def _is_plain(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, tuple | list) and all(isinstance(each, int) for each in value))


def _same(value: Any, *_: Any) -> Any:
    return value


def _are_equal(one: Any, other: Any) -> bool:
    return bool(tuple(one) == tuple(other) if isinstance(one, tuple | list) else one == other)


class _Symbol:
    """What sympy calculates with, of which there is none as long as nothing of sympy is imported."""


OF_NUMBERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious"), _same),
    **dict.fromkeys(("guarding_hint_or_throw", "statically_known_true"), _same),
    "has_guarding_hint": lambda _: True,
    "is_nested_int": lambda _: False,
    "sym_and": lambda *values: all(values),
    "sym_or": lambda *values: any(values),
    "sym_eq": _are_equal,
}
"""What torch's functions of symbols come to for plain numbers and shapes."""
STAND_INS: dict[str, dict[str, Any]] = {
    COMPILER: {"disable": _as_it_is},
    SYMBOLS: {name: _of_numbers(name, answer) for name, answer in OF_NUMBERS.items()},
    SYMPY: {"Basic": _Symbol},
}
