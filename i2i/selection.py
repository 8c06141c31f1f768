"""What a run or a model is made of: a recipe, and a component with all its options for each part."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from i2i.choices import Component, Entry, Term, entries_of, lay, named
from i2i.contracts import CONTRACTS, Recipe, Wire
from i2i.errors import UsageError, suggest
from i2i.fields import Fields
from i2i.options import complete, validate
from i2i.parameters import check_fields, fields_asked, imagined
from i2i.plugins import Provided, lookup
from i2i.serving import contracts_of, find_component, is_list

IMAGINED_SIZE = (256, 256)
"""Height and width, where a recipe is looked at and nothing depends on them."""


class Selection(BaseModel):
    """A recipe and the parts that its options need, each with all options."""

    recipe: Component
    parts: dict[str, Component | list[Term]]

    def network(self, part: str) -> Component:
        """Return the component of a part that is no list."""
        chosen = self.parts[part]
        if not isinstance(chosen, Component):
            raise KeyError(part)
        return chosen

    def components(self) -> Iterator[tuple[str, str, Component]]:
        """Yield place, part and component of each: the place is ``part``, or ``part.name`` of one in a list."""
        for part, chosen in self.parts.items():
            if isinstance(chosen, Component):
                yield part, part, chosen
            else:
                yield from ((f"{part}.{name}", part, term) for name, term in named(chosen).items())


def select(name: str, options: Mapping[str, Any], parts: Mapping[str, Any], fields: Fields | None = None) -> Selection:
    """Complete a choice of recipe and parts with every default.

    Args:
        name: The recipe.
        options: The recipe's own options.
        parts: Part -> what is said of it over the recipe's defaults; see `lay`.
        fields: What the data has; where it is not known yet, what the recipe asks for.

    Raises:
        UnknownNameError: If a recipe or component is not installed.
        UsageError: If a part or an option does not exist, a value is wrong, or the data is not what the recipe takes.
    """
    return complete_selection(lookup("recipe", name).cls, name, options, parts, fields)


def complete_selection(
    cls: type[Recipe],
    name: str,
    options: Mapping[str, Any],
    parts: Mapping[str, Any],
    fields: Fields | None = None,
) -> Selection:
    """Complete a choice as `select` does, for a recipe that need not be installed."""
    owner, contracts = f"recipe {name!r}", contracts_of(cls)
    for option in options.keys() & cls.renamed.keys():
        raise UsageError(f"{owner} has no option {option!r} any more. Write {cls.renamed[option]}={options[option]}.")
    recipe = Component(name=name, **complete(cls, options, owner))
    for part in parts:
        if part not in contracts:
            raise UsageError(f"{owner}: no part {part!r}.{suggest(part, contracts)} Parts: {', '.join(contracts)}.")
    if fields is not None:
        check_data(cls, owner, fields)
    wires = cls.wiring(fields or imagined(fields_asked(cls.step), IMAGINED_SIZE), recipe.options)
    chosen: dict[str, Component | list[Term]] = {}
    # what was said of a part that these options do not need is checked all the same, and then left out
    for part, contract in contracts.items():
        if part in wires or part in parts:
            completed = _completed(part, contract, parts.get(part, {}), cls.defaults[part], wires.get(part, Wire()))
            if part in wires:
                chosen[part] = completed
    return Selection(recipe=recipe, parts=chosen)


def check_data(cls: type[Recipe], owner: str, fields: Fields) -> None:
    """Refuse data whose fields a recipe does not take as they are, or does not take at all.

    Raises:
        UsageError: If it has such.
    """
    parts = contracts_of(cls)
    asked = [fields_asked(cls.step), *(fields_asked(function, parts) for function in cls.translators.values())]
    for each in asked:
        check_fields(owner, each, fields)
    if not cls.unpaired and not fields.aligned(*fields):
        raise UsageError(
            f"{owner} learns from pairs, and {' and '.join(fields)} of this data are images of their own. "
            "Prepare pairs, or train a recipe that takes such images."
        )
    for field in cls.translators:
        if field not in fields:
            raise UsageError(f"{owner} makes a field {field!r}, and the data has {', '.join(fields)}.")
    known = dict.fromkeys(name for each in asked for name in each)
    for name in fields:
        if name not in known:
            raise UsageError(f"{owner} takes no field {name!r}: it takes {', '.join(known)}. Leave it out.")


def _completed(part: str, contract: Any, said: Any, default: Any, wire: Wire) -> Component | list[Term]:
    """Return a part with all its options: what was said of it over its default, and what the recipe decides."""
    standard = entries_of(default)
    entries = lay(standard, said, part)
    weight = next((entry["weight"] for entry in standard if "weight" in entry), 1.0)
    if is_list(contract):
        terms = [_complete_entry(part, contract, {"weight": weight, **entry}, wire) for entry in entries]
        return [validate(Term, term, f"{part} {term['name']!r}") for term in terms]
    if len(entries) != 1:
        raise UsageError(f"{part} is one {CONTRACTS[contract]}, and {len(entries)} are given. Name one.")
    return Component(**_complete_entry(part, contract, entries[0], wire))


def _complete_entry(part: str, contract: Any, entry: Entry, wire: Wire) -> Entry:
    cls, owner = find_component(part, contract, entry["name"]), f"{part} {entry['name']!r}"
    own = {key: entry[key] for key in ("name", *(["weight"] if is_list(contract) else [])) if key in entry}
    options = {key: value for key, value in entry.items() if key not in own}
    for option, decided in wire.options.items():
        if options.get(option, decided) != decided:
            raise UsageError(f"{owner}: the recipe sets {option} to {decided} for this data. Leave it out.")
    return own | complete(cls, {**options, **wire.options}, owner)


def providers(selection: Selection) -> dict[str, Provided]:
    """Return the plugin and distribution that provide the recipe and each component, by place."""
    recipe = lookup("recipe", selection.recipe.name)
    contracts = contracts_of(recipe.cls)
    found = {place: lookup(CONTRACTS[contracts[part]], c.name) for place, part, c in selection.components()}
    return {"recipe": recipe} | found
