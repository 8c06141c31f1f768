"""Builds a recipe and its parts from names and options."""

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict

from i2i.contracts import AdversarialLoss, Discriminator, Generator, Loss, Recipe
from i2i.errors import UsageError
from i2i.options import build, complete
from i2i.plugins import Provided, lookup

KINDS: dict[Any, str] = {Generator: "generator", Discriminator: "discriminator", Loss: "loss", AdversarialLoss: "loss"}


class Component(BaseModel):
    """A component by name, with its options; the options stand beside the name, as in ``{name: unet, depth: 8}``."""

    model_config = ConfigDict(extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given."""
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
    cls = lookup("recipe", name).cls
    recipe = Component(name=name, **complete(cls, options, f"recipe {name!r}"))
    kinds = part_kinds(cls)
    chosen: dict[str, Component] = {}
    for part in cls.wiring(1, 1, recipe.options):
        given = {"name": cls.defaults[part], **parts.get(part, {})}
        component = Component(**given)
        owner = f"{part} {component.name!r}"
        full = complete(lookup(kinds[part], component.name).cls, component.options, owner)
        chosen[part] = Component(name=component.name, **full)
    return Selection(recipe=recipe, parts=chosen)


def part_kinds(recipe: type[Recipe]) -> dict[str, str]:
    """Part -> kind of component, from the annotations of the recipe's ``__init__``."""
    return {part: KINDS[contract] for part, contract in _contracts(recipe).items()}


def _contracts(recipe: type[Recipe]) -> dict[str, Any]:
    hints = get_type_hints(recipe.__init__)
    contracts = {}
    for part in recipe.defaults:
        (contract,) = [c for c in (hints[part], *get_args(hints[part])) if c in KINDS]
        contracts[part] = contract
    return contracts


def assemble(selection: Selection, source: int, target: int) -> Recipe:
    """Build the recipe, for images of these channel counts.

    Raises:
        UsageError: If a component refuses its options, or does not fit the part.
    """
    cls = lookup("recipe", selection.recipe.name).cls
    wiring = cls.wiring(source, target, selection.recipe.options)
    contracts = _contracts(cls)
    parts = {part: build_part(part, contracts[part], selection, wiring) for part in cls.defaults}
    recipe: Recipe = build(
        cls, *parts.values(), options=selection.recipe.options, owner=f"recipe {selection.recipe.name!r}"
    )
    return recipe


def build_part(part: str, contract: Any, selection: Selection, wiring: Mapping[str, tuple[int, ...]]) -> Any:
    """One part of the recipe, or None where its options need none."""
    if part not in wiring:
        return None
    component = selection.parts[part]
    owner = f"{part} {component.name!r}"
    made = build(lookup(KINDS[contract], component.name).cls, *wiring[part], options=component.options, owner=owner)
    if not isinstance(made, contract):
        raise UsageError(f"{owner}: {type(made).__name__} is not a {contract.__name__}. Choose another for {part!r}.")
    return made


def providers(selection: Selection) -> dict[str, Provided]:
    """Recipe and parts -> the plugin and distribution that provide them."""
    kinds = part_kinds(lookup("recipe", selection.recipe.name).cls)
    found = {"recipe": lookup("recipe", selection.recipe.name)}
    return found | {part: lookup(kinds[part], c.name) for part, c in selection.parts.items()}
