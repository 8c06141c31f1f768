"""Builds a recipe and its parts from what was selected."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from i2i.choices import Component, Term, named
from i2i.contracts import Recipe, Wire
from i2i.fields import Fields
from i2i.options import build
from i2i.parts import Adversarial
from i2i.plugins import lookup
from i2i.selection import Selection
from i2i.serving import contracts_of, find_component, is_list


def assemble(selection: Selection, fields: Fields) -> Recipe:
    """Build the recipe for data of these fields.

    Raises:
        UsageError: If a component refuses its options, or does not fit the part.
    """
    return compose(lookup("recipe", selection.recipe.name).cls, selection, fields)


def compose(cls: type[Recipe], selection: Selection, fields: Fields) -> Recipe:
    """Build as `assemble` does, for a recipe that need not be installed."""
    parts = build_parts(cls, selection, fields)
    recipe: Recipe = build(
        cls, *parts.values(), options=selection.recipe.options, owner=f"recipe {selection.recipe.name!r}"
    )
    return recipe


def build_parts(
    cls: type[Recipe], selection: Selection, fields: Fields, only: Collection[str] | None = None
) -> dict[str, Any]:
    """Build the parts of a recipe, in its order; None for those that its options do not need.

    Args:
        cls: The recipe.
        selection: What was chosen.
        fields: What the data has.
        only: Build these alone, and those that their wires name.

    Raises:
        UsageError: As `assemble`.
    """
    wires = cls.wiring(fields, selection.recipe.options)
    needed = wires.keys() if only is None else _needed(wires, only)
    built: dict[str, Any] = {}
    for part, contract in contracts_of(cls).items():
        wanted = part in wires and part in needed
        built[part] = _part(part, contract, selection.parts[part], wires[part], built) if wanted else None
    return built


def _needed(wires: Mapping[str, Wire], only: Collection[str]) -> set[str]:
    """Return these parts, and all that they are built with."""
    needed, waiting = set[str](), [part for part in only if part in wires]
    while waiting:
        part = waiting.pop()
        needed.add(part)
        asked = [name for argument in wires[part].arguments if callable(argument) for name in _parameters(argument)]
        waiting += [name for name in asked if name not in needed and name in wires]
    return needed


def _part(part: str, contract: Any, chosen: Component | list[Term], wire: Wire, built: Mapping[str, Any]) -> Any:
    arguments = [
        argument(**{name: built[name] for name in _parameters(argument)}) if callable(argument) else argument
        for argument in wire.arguments
    ]

    def made(one: Component) -> Any:
        options = {**one.options, **wire.options}
        cls = find_component(part, contract, one.name)
        return build(cls, *arguments, options=options, owner=f"{part} {one.name!r}")

    if is_list(contract):
        terms = named(chosen) if isinstance(chosen, list) else {}
        return contract({name: made(term) for name, term in terms.items()}, {n: t.weight for n, t in terms.items()})
    (one,) = [chosen] if isinstance(chosen, Component) else chosen
    return Adversarial(made(one)) if contract is Adversarial else made(one)


def _parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)
