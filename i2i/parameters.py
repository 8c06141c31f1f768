"""What the parameters of a step, or of a translator, name: fields of the data, the clock, noise, parts, options."""

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

import torch.nn.functional as F
from torch import Tensor

from i2i.contracts import Clock
from i2i.errors import UsageError
from i2i.fields import Field, Fields, Kind

KINDS = get_args(Kind)


class Asked(NamedTuple):
    """How a function takes a field."""

    kind: Kind
    """``image`` for a field of class ids asks for it one-hot."""
    required: bool


def fields_asked(function: Callable[..., Any], parts: Collection[str] = ()) -> Mapping[str, Asked]:
    """Return the fields that the parameters of a function name, in their order.

    Args:
        function: A step, or a translator.
        parts: Names of the recipe's parts, which are no fields.

    Raises:
        UsageError: If a parameter is annotated as nothing that the engine can give.
    """
    return _fields_asked(getattr(function, "__func__", function), frozenset(parts))


@cache
def _fields_asked(function: Callable[..., Any], parts: frozenset[str]) -> Mapping[str, Asked]:
    found = {}
    for parameter, hint in _positional(function):
        if parameter.name == "clock" or parameter.name in parts or "noise" in _marks(hint):
            continue
        kind: Any = next((mark for mark in _marks(hint) if mark in KINDS), None)
        if kind is None:
            raise UsageError(
                f"{function.__qualname__}: nothing can be given as {parameter.name!r}. "
                "Annotate a field of the data with Image, Ids or Vector, noise with Noise, or name a part."
            )
        found[parameter.name] = Asked(kind, parameter.default is parameter.empty)
    return found


def first_kind(function: Callable[..., Any]) -> Kind | None:
    """Return the kind of field that a function's first parameter is annotated with; None where it is with none."""
    (_, hint), *_ = _positional(function)
    kinds: list[Kind] = [mark for mark in _marks(hint) if mark in KINDS]  # type: ignore[misc]
    return kinds[0] if kinds else None


def fields_named(function: Callable[..., Any]) -> Mapping[str, Asked]:
    """Return the fields that the keyword-only parameters of a metric name."""
    hints = get_type_hints(function, include_extras=True)
    found: dict[str, Asked] = {}
    for parameter in inspect.signature(function).parameters.values():
        marks: list[Any] = [mark for mark in _marks(hints.get(parameter.name)) if mark in KINDS]
        if parameter.kind is parameter.KEYWORD_ONLY and marks:
            found[parameter.name] = Asked(marks[0], parameter.default is parameter.empty)
    return found


def parts_asked(function: Callable[..., Any], parts: Collection[str]) -> list[str]:
    """Return the parts that the parameters of a translator, or of a wire's argument, name."""
    return [name for name in inspect.signature(function).parameters if name in parts]


def noises_asked(function: Callable[..., Any]) -> list[str]:
    """Return the parameters of a translator that are noise."""
    return [parameter.name for parameter, hint in _positional(function) if "noise" in _marks(hint)]


def _positional(function: Callable[..., Any]) -> list[tuple[inspect.Parameter, Any]]:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [(p, hints.get(p.name)) for p in parameters if p.name != "self" and p.kind is not p.KEYWORD_ONLY]


def _marks(hint: Any) -> list[str]:
    """Return what an annotation such as ``Image`` or ``Ids | None`` is marked with."""
    members = (hint, *(member for member in get_args(hint) if member is not NoneType))
    return [mark for member in members for mark in getattr(member, "__metadata__", ()) if isinstance(mark, str)]


def check_fields(owner: str, asked: Mapping[str, Asked], fields: Fields) -> None:
    """Refuse data that lacks a field, or has it as something else than what is asked for.

    Raises:
        UsageError: If it does.
    """
    known = ", ".join(fields)
    for name, want in asked.items():
        if name not in fields:
            if want.required:
                raise UsageError(f"{owner} needs a field {name!r}. The data has {known}. See dataset.extra.")
            continue
        field = fields[name]
        if not fits(want, field):
            raise UsageError(f"{owner} takes {name!r} as {want.kind}, and the data has it as {field.kind}.")
        if (want.kind, field.kind, field.channels) == ("image", "ids", 0):
            raise UsageError(
                f"{owner} takes {name!r} as a channel a class, and how many classes there are is not declared. "
                f"Declare it, such as --set dataset.{name}_classes=12."
            )


def fits(want: Asked, field: Field) -> bool:
    """Return whether a field can be given as what is asked for: class ids as an image too, one-hot."""
    return field.kind == want.kind or (want.kind, field.kind) == ("image", "ids")


def given_to(step: Callable[..., Any], batch: Mapping[str, Tensor], fields: Fields, clock: Clock) -> dict[str, Any]:
    """Return the arguments of a step: the fields that it asks for, and the clock where it does."""
    given = as_asked(batch, fields_asked(step), fields)
    return {**given, "clock": clock} if asks_clock(step) else given


def asks_clock(step: Callable[..., Any]) -> bool:
    """Return whether a step asks for the time."""
    return _asks_clock(getattr(step, "__func__", step))


@cache
def _asks_clock(step: Callable[..., Any]) -> bool:
    return "clock" in inspect.signature(step).parameters


def as_asked(batch: Mapping[str, Tensor], asked: Mapping[str, Asked], fields: Fields) -> dict[str, Tensor]:
    """Return those fields of a batch that are asked for, class ids one-hot where they are asked for as an image."""
    given = {name: batch[name] for name in asked if name in batch}
    return {name: _one_hot(values, fields[name], asked[name]) for name, values in given.items()}


def _one_hot(values: Tensor, field: Field, asked: Asked) -> Tensor:
    """Turn class ids (N, H, W) into (N, classes, H, W), all 0 where there is no class, where that is asked for."""
    if field.kind != "ids" or asked.kind != "image":
        return values
    known = values >= 0
    return F.one_hot(values.where(known, 0), field.channels).movedim(-1, 1).float() * known[:, None]


def imagined(asked: Mapping[str, Asked], size: tuple[int, int]) -> Fields:
    """Return fields as a function asks for them, with one channel each: to look at a recipe where there is no data."""
    required = {name: Field(channels=1, kind=want.kind) for name, want in asked.items() if want.required}
    return Fields(required, size)
