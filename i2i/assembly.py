"""Builds a recipe and its parts from names and options."""

import inspect
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from i2i.contracts import AdversarialLoss, Discriminator, Generator, Loss, Recipe
from i2i.errors import ContractError, UnknownNameError, UsageError, suggest
from i2i.options import build, complete
from i2i.plugins import Provided, catalogue, lookup

CONTRACTS: dict[Any, str] = {
    Generator: "generator",
    Discriminator: "discriminator",
    Loss: "loss",
    AdversarialLoss: "loss",
}
"""What a part may be annotated with -> the kind of component that serves as it."""

TOLERANCE = 1e-3
"""By which rounding may leave [-1, 1]."""


class Component(BaseModel):
    """A component by name, with its options; the options stand beside the name, as in ``{name: unet, depth: 8}``."""

    model_config = ConfigDict(extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Return the options that were given."""
        return dict(self.model_extra or {})


class Selection(BaseModel):
    """A recipe and the parts that its options need, each with all options."""

    recipe: Component
    parts: dict[str, Component]


def select(name: str, options: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> Selection:
    """Complete a choice of recipe and parts with every default.

    Args:
        name: The recipe.
        options: The recipe's own options.
        parts: Part -> its component's options, with ``name`` among them where it is not the default component.

    Raises:
        UnknownNameError: If a recipe or component is not installed.
        UsageError: If a part or an option does not exist, or a value is wrong.
    """
    return complete_selection(lookup("recipe", name).cls, name, options, parts)


def complete_selection(
    cls: type[Recipe], name: str, options: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]
) -> Selection:
    """Complete a choice as `select` does, for a recipe that need not be installed."""
    recipe = Component(name=name, **complete(cls, options, f"recipe {name!r}"))
    contracts = _contracts(cls)
    for part in parts:
        if part not in contracts:
            known = ", ".join(contracts)
            raise UsageError(f"recipe {name!r}: no part {part!r}.{suggest(part, contracts)} Parts: {known}.")
    chosen: dict[str, Component] = {}
    wiring = cls.wiring(1, 1, recipe.options)
    # what was said of a part that these options do not need is checked all the same, and then left out
    for part, contract in contracts.items():
        if part not in wiring and part not in parts:
            continue
        given = {"name": cls.defaults[part], **parts.get(part, {})}
        component = Component(**given)
        owner = f"{part} {component.name!r}"
        full = complete(_find(part, contract, component.name), component.options, owner)
        if part in wiring:
            chosen[part] = Component(name=component.name, **full)
    return Selection(recipe=recipe, parts=chosen)


def part_kinds(recipe: type[Recipe]) -> dict[str, str]:
    """Return the kind of component of each part, from the annotations of the recipe's ``__init__``, in its order.

    Raises:
        UsageError: If a part has no contract, or ``defaults`` names other parts.
    """
    return {part: CONTRACTS[contract] for part, contract in _contracts(recipe).items()}


def _contracts(recipe: type[Recipe]) -> dict[str, Any]:
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


def assemble(selection: Selection, source: int, target: int) -> Recipe:
    """Build the recipe, for images of these channel counts.

    Raises:
        UsageError: If a component refuses its options, or does not fit the part.
    """
    return compose(lookup("recipe", selection.recipe.name).cls, selection, source, target)


def compose(cls: type[Recipe], selection: Selection, source: int, target: int) -> Recipe:
    """Build as `assemble` does, for a recipe that need not be installed."""
    wiring = cls.wiring(source, target, selection.recipe.options)
    parts = [build_part(part, contract, selection, wiring) for part, contract in _contracts(cls).items()]
    recipe: Recipe = build(cls, *parts, options=selection.recipe.options, owner=f"recipe {selection.recipe.name!r}")
    return recipe


def build_part(part: str, contract: Any, selection: Selection, wiring: Mapping[str, tuple[int, ...]]) -> Any:
    """Build one part of the recipe, or return None where its options need none."""
    if part not in wiring:
        return None
    component = selection.parts[part]
    cls = _find(part, contract, component.name)
    return build(cls, *wiring[part], options=component.options, owner=f"{part} {component.name!r}")


def _find(part: str, contract: Any, name: str) -> type[Any]:
    """Return the component of that name, if it can serve as the part; else say which can."""
    kind = CONTRACTS[contract]
    try:
        cls = lookup(kind, name).cls
    except UnknownNameError as error:
        raise UnknownNameError(f"{error} As {part} can serve: {_listed(contract)}.") from None
    if not serves(cls, contract):
        raise UsageError(
            f"{part} {name!r}: {cls.__name__} does not serve as {contract.__name__}. Such do: {_listed(contract)}."
        )
    return cls


def serves(cls: type[Any], contract: Any) -> bool:
    """Check whether objects of a class have what a contract asks for."""
    if contract is not AdversarialLoss and issubclass(cls, nn.Module):
        return cls.forward is not nn.Module.forward  # every module has __call__, whether or not it works
    return issubclass(cls, contract)


def check_fake(generator: nn.Module, source: Tensor, fake: Any, channels: int) -> Tensor:
    """Return what a generator made of a source, if that is what its contract promises.

    Args:
        generator: Who made it; its plugin is named.
        source: (N, C, H, W).
        fake: What was returned.
        channels: How many it has to have.

    Raises:
        ContractError: If it is no image of the source's height and width.
    """
    expected = (len(source), channels, *source.shape[2:])
    if not isinstance(fake, Tensor):
        raise ContractError(f"{blamed(generator)} returns a {type(fake).__name__}. Return the image alone.")
    if not fake.is_floating_point():
        raise ContractError(f"{blamed(generator)} returns {fake.dtype}. Return floating point numbers in [-1, 1].")
    if fake.shape != expected:
        made, wanted = tuple(fake.shape), tuple(expected)
        raise ContractError(
            f"{blamed(generator)} returns {made} for {tuple(source.shape)}, expected was {wanted}. "
            "A generator keeps height and width: pad inside, or say in size_multiple what sizes it takes."
        )
    return fake


def check_first(generator: nn.Module, channels: int) -> None:
    """Check what a generator gives when it is called for the first time, its range too; see `check_fake`."""

    def check(_: nn.Module, inputs: tuple[Tensor, ...], fake: Any) -> None:
        handle.remove()
        beyond = float(check_fake(generator, inputs[0], fake, channels).detach().abs().max())
        if beyond > 1 + TOLERANCE:
            raise ContractError(
                f"{blamed(generator)} returns values up to {beyond:.3g}, which is outside [-1, 1]. End it with tanh."
            )

    handle = generator.register_forward_hook(check)


def blamed(generator: nn.Module) -> str:
    """Return what to call a generator in errors: its name and its plugin, or its class where no plugin has it."""
    for name, found in catalogue("generator").items():
        if found.cls is type(generator):
            return f"generator {name!r} of plugin {found.plugin!r} ({found.distribution} {found.version})"
    return type(generator).__name__


def candidates(recipe: type[Recipe]) -> dict[str, list[str]]:
    """Return, for each part, the installed components that can serve as it."""
    return {part: _serving(contract) for part, contract in _contracts(recipe).items()}


def _serving(contract: Any) -> list[str]:
    return [name for name, provided in catalogue(CONTRACTS[contract]).items() if serves(provided.cls, contract)]


def _listed(contract: Any) -> str:
    return ", ".join(_serving(contract)) or "nothing that is installed"


def providers(selection: Selection) -> dict[str, Provided]:
    """Return the plugin and distribution that provide the recipe and each part."""
    recipe = lookup("recipe", selection.recipe.name)
    kinds = part_kinds(recipe.cls)
    return {"recipe": recipe} | {part: lookup(kinds[part], c.name) for part, c in selection.parts.items()}
