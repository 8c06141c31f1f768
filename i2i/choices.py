"""Components as people say them: by name, with options beside it, in lists with weights. Free of torch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from i2i.errors import UsageError

Entry = dict[str, Any]
"""A component as the user says it: ``name``, its options, and in a list its ``weight``."""


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


def named(terms: Sequence[Term]) -> dict[str, Term]:
    """Return the components of a list by name; the second of one name is called ``name-2``."""
    counts: Counter[str] = Counter()
    found = {}
    for term in terms:
        counts[term.name] += 1
        found[term.name if counts[term.name] == 1 else f"{term.name}-{counts[term.name]}"] = term
    return found


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
