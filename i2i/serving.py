"""Which installed components can serve as a part of a recipe."""

import inspect
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch import nn

from i2i.contracts import CONTRACTS, AdversarialLoss, Recipe
from i2i.errors import UnknownNameError, UsageError
from i2i.parts import Adversarial, Terms
from i2i.plugins import catalogue, lookup


def part_kinds(recipe: type[Recipe]) -> dict[str, str]:
    """Return the kind of component of each part, from the annotations of the recipe's ``__init__``, in its order.

    Raises:
        UsageError: If a part has no contract, or ``defaults`` names other parts.
    """
    return {part: CONTRACTS[contract] for part, contract in contracts_of(recipe).items()}


def contracts_of(recipe: type[Recipe]) -> dict[str, Any]:
    """Return the contract of each part, as `part_kinds` does its kind.

    Raises:
        UsageError: As `part_kinds`.
    """
    hints = get_type_hints(recipe.__init__)
    parts = [p.name for p in inspect.signature(recipe).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if set(parts) != set(recipe.defaults):
        raise UsageError(f"{recipe.__name__} takes the parts {parts}, but its defaults name {list(recipe.defaults)}.")
    contracts = {}
    for part in parts:
        found = [c for c in (hints.get(part), *get_args(hints.get(part))) if c in CONTRACTS]
        if not found:
            names = ", ".join(contract.__name__ for contract in CONTRACTS)
            raise UsageError(f"{recipe.__name__}: annotate the part {part!r} with its contract, one of {names}.")
        contracts[part] = found[0]
    return contracts


def is_list(contract: Any) -> bool:
    """Return whether a part of this contract is a list of components."""
    return issubclass(contract, Terms)


def find_component(part: str, contract: Any, name: str) -> type[Any]:
    """Return the component of that name, if it can serve as the part.

    Raises:
        UnknownNameError: If it is not installed.
        UsageError: If it does not serve; the message says which do.
    """
    try:
        cls = lookup(CONTRACTS[contract], name).cls
    except UnknownNameError as error:
        raise UnknownNameError(f"{error} As {part} can serve: {_listed(contract)}.") from None
    if not serves(cls, contract):
        wanted = _inner(contract).__name__
        raise UsageError(f"{part} {name!r}: {cls.__name__} does not serve as {wanted}. Such do: {_listed(contract)}.")
    return cls


def candidates(recipe: type[Recipe]) -> dict[str, list[str]]:
    """Return, for each part, the installed components that can serve as it."""
    return {part: _serving(contract) for part, contract in contracts_of(recipe).items()}


def serves(cls: type[Any], contract: Any) -> bool:
    """Check whether objects of a class have the methods of a contract, and do not say that they return else."""
    contract = _inner(contract)
    methods = [name for name, value in _members(contract).items() if callable(value)]
    if not all(hasattr(cls, name) for name in methods):
        return False
    if CONTRACTS[contract] == "loss" and issubclass(cls, AdversarialLoss) != (contract is AdversarialLoss):
        return False
    if not (issubclass(cls, nn.Module) and "__call__" in methods):
        return True
    # every module has __call__, whether or not it works
    return cls.forward is not nn.Module.forward and _may_return(cls.forward, contract.__call__)


def _inner(contract: Any) -> Any:
    """Return what the components inside of a part that the engine builds around them must be."""
    return contract.contract if issubclass(contract, Terms | Adversarial) else contract


def _members(contract: Any) -> dict[str, Any]:
    """Return what a Protocol asks for, its bases included."""
    bases = [base for base in contract.__mro__ if getattr(base, "_is_protocol", False) and base.__module__ != "typing"]
    named = {name: value for base in bases for name, value in vars(base).items()}
    return {name: value for name, value in named.items() if name == "__call__" or not name.startswith("_")}


def _may_return(function: Any, promised: Any) -> bool:
    """Check whether what a function says that it returns can be what is promised; one that says nothing may be all."""
    says, wants = _returned(function), _returned(promised)
    return Any in says | wants or bool(says & wants)


def _returned(function: Any) -> set[Any]:
    """Return the types that a function says that it returns; `Any` where it says nothing that can be read here."""
    try:
        hint = get_type_hints(function).get("return", Any)
    except NameError:  # a name for type checkers alone
        return {Any}
    return set(get_args(hint)) if isinstance(hint, UnionType) or get_origin(hint) is Union else {hint}


def _serving(contract: Any) -> list[str]:
    return [name for name, provided in catalogue(CONTRACTS[contract]).items() if serves(provided.cls, contract)]


def _listed(contract: Any) -> str:
    return ", ".join(_serving(contract)) or "nothing that is installed"
