"""What a run or a model is made of: a recipe, and a component with all its options for each part."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from i2i.contracts import CONTRACTS, Recipe, Wire
from i2i.errors import UsageError, suggest
from i2i.fields import Fields
from i2i.options import complete, validate
from i2i.parameters import check_fields, fields_asked, imagined
from i2i.plugins import Provided, lookup
from i2i.serving import contracts_of, find_component, is_list

Entry = dict[str, Any]
"""A component as the user says it: ``name``, its options, and in a list its ``weight``."""

IMAGINED_SIZE = (256, 256)
"""Height and width, where a recipe is looked at and nothing depends on them."""


class Component(BaseModel):
    """A component by name, with its options; the options stand beside the name, as in ``{name: unet, depth: 8}``."""

    model_config = ConfigDict(extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Return the options that were given."""
        return dict(self.model_extra or {})


class Term(Component):
    """A component of a list, such as a loss among others."""

    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """λ: what the engine multiplies it by."""


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


def named(terms: Sequence[Term]) -> dict[str, Term]:
    """Return the components of a list by name; the second of one name is called ``name-2``."""
    counts: Counter[str] = Counter()
    found = {}
    for term in terms:
        counts[term.name] += 1
        found[term.name if counts[term.name] == 1 else f"{term.name}-{counts[term.name]}"] = term
    return found


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


def entries_of(said: Any) -> list[Entry]:
    """Return the components of a part as it is said in ``defaults``: a name, a mapping, or a list of these."""
    each = [said] if isinstance(said, str | Mapping) else said
    return [{"name": one} if isinstance(one, str) else dict(one) for one in each]


def as_choice(default: Any) -> str:
    """Write the components of a part as ``--use`` takes them, with their options in brackets: ``100*l1``.

    Example:
        >>> as_choice({"name": "l1", "weight": 100}), as_choice([]), as_choice({"name": "patchgan", "norm": "instance"})
        ('100*l1', 'none', 'patchgan (norm=instance)')
    """
    return "+".join(map(_as_term, entries_of(default))) or "none"


def _as_term(entry: Entry) -> str:
    weight = f"{entry['weight']:g}*" if "weight" in entry else ""
    options = ", ".join(f"{key}={value}" for key, value in entry.items() if key not in ("name", "weight"))
    return f"{weight}{entry['name']}" + (f" ({options})" if options else "")


def lay(before: Sequence[Entry], said: Any, part: str) -> list[Entry]:
    """Return what was chosen for a part with what is said of it later on top.

    A component that is named anew drops the options of another that was there before, since they belonged to it, but
    not its own. Options without a name are those of the one component that there is, and ``{l1: {weight: 50}}`` those
    of one among several.

    Args:
        before: What was chosen.
        said: A name, a mapping with or without a name, or a list of these with names.
        part: For errors.

    Raises:
        UsageError: If it is none of these.
    """
    if isinstance(said, Mapping) and "name" not in said:
        return _with_options(before, said, part)
    own = {entry["name"]: entry for entry in reversed(before)}
    entries = entries_of(said)
    for entry in entries:
        if not isinstance(entry.get("name"), str):
            raise UsageError(f"{part}: {entry} names no component. Write such as {{name: l1}}.")
    return [{**own.get(entry["name"], {}), **entry} for entry in entries]


def _with_options(before: Sequence[Entry], said: Mapping[str, Any], part: str) -> list[Entry]:
    names = [entry["name"] for entry in before]
    of_one = {key: value for key, value in said.items() if key in names and isinstance(value, Mapping)}
    rest = {key: value for key, value in said.items() if key not in of_one}
    if rest and len(before) != 1:
        option = next(iter(rest))
        example = f" Write such as {part}.{names[0]}.{option}." if names else ""
        raise UsageError(f"{part} is a list of {', '.join(names) or 'nothing'}: whose option is {option!r}?{example}")
    return [{**entry, **rest, **of_one.get(entry["name"], {})} for entry in before]


def providers(selection: Selection) -> dict[str, Provided]:
    """Return the plugin and distribution that provide the recipe and each component, by place."""
    recipe = lookup("recipe", selection.recipe.name)
    contracts = contracts_of(recipe.cls)
    found = {place: lookup(CONTRACTS[contracts[part]], c.name) for place, part, c in selection.components()}
    return {"recipe": recipe} | found
