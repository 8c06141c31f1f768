"""What is said of settings, as texts of the command line or as plain values of Python, in layers for `config.merge`."""

from collections.abc import Iterable, Mapping
from typing import Any

from i2i import safe_yaml
from i2i.config import ENGINE
from i2i.errors import UsageError

NOTHING = "none"
"""What leaves a list empty."""

Said = Mapping[str, Any] | Iterable[str]
"""Values by what they are of, or the texts of a flag."""


def parse_assignments(assignments: Said) -> dict[str, Any]:
    """Parse nested values out of ``section.option=value`` and ``section.x.option=value`` texts; values are YAML.

    A mapping has values as they are: ``{"generator.depth": 7}``, or sections of them ``{"generator": {"depth": 7}}``.

    Raises:
        UsageError: If something is not of that form.
    """
    nested: dict[str, Any] = {}
    if isinstance(assignments, Mapping):
        for key, value in assignments.items():
            if isinstance(value, Mapping) and "." not in str(key):
                for option, inner in value.items():
                    _place(nested, [key, option], inner)
            else:
                _place(nested, _path(str(key), f"{key}={value}"), value)
        return nested
    for assignment in _texts(assignments):
        key, equals, text = assignment.partition("=")
        path = _path(key.strip() if equals else "", assignment)
        _place(nested, path, safe_yaml.load(text, f"--set {key}"))
    return nested


def _path(key: str, assignment: str) -> list[str]:
    path = key.split(".")
    if not all(path) or len(path) not in {2, 3}:
        sections = [name for name, section in ENGINE.items() if key and path == [key] and key in section.known()]
        meant = f" Did you mean --set {sections[0]}.{assignment}?" if sections else ""
        raise UsageError(f"--set {assignment!r} is not SECTION.OPTION=VALUE, such as generator.depth=7.{meant}")
    return path


def _place(nested: dict[str, Any], path: list[Any], value: Any) -> None:
    """Put a value where its path leads; one on the way that is no mapping gives way."""
    for step in path[:-1]:
        if not isinstance(nested.get(step), dict):
            nested[step] = {}
        nested = nested[step]
    nested[path[-1]] = value


def parse_options(assignments: Said) -> dict[str, Any]:
    """Parse options of one component out of ``name=value`` texts; values are YAML. A mapping has them as they are.

    Raises:
        UsageError: If a text is not of that form.
    """
    if isinstance(assignments, Mapping):
        return dict(assignments)
    options = {}
    for assignment in _texts(assignments):
        name, equals, text = assignment.partition("=")
        if not (equals and name.strip()) or "." in name:
            raise UsageError(f"--set {assignment!r} is not NAME=VALUE, such as steps=8.")
        options[name.strip()] = safe_yaml.load(text, f"--set {name}")
    return options


def parse_choices(choices: Said) -> dict[str, Any]:
    """Parse nested values out of ``part=component`` texts.

    Of a list, they are ``part=l1+perceptual``, with weights ``part=100*l1+10*perceptual``; ``part=none`` empties it.
    A mapping has by part such a text, ``{"generator": "resnet"}``, or what a file may say of the part:
    ``{"pixel_loss": [{"name": "l1", "weight": 100}]}``.

    Raises:
        UsageError: If something is not of that form.
    """
    if isinstance(choices, Mapping):
        return {
            part: _components(str(part), value, f"{part}={value}") if isinstance(value, str) else value
            for part, value in choices.items()
        }
    nested: dict[str, Any] = {}
    for choice in _texts(choices):
        part, equals, names = choice.partition("=")
        nested[part] = _components(part if equals else "", names, choice)
    return nested


def _components(part: str, names: str, choice: str) -> Any:
    entries = [] if names == NOTHING else [_parse_term(term) for term in names.split("+")]
    if not part or None in entries:
        raise UsageError(f"--use {choice!r} is not PART=COMPONENT, such as generator=encoder-decoder.")
    return entries[0] if len(entries) == 1 else entries


def _parse_term(text: str) -> dict[str, Any] | None:
    """Parse ``name`` or ``weight*name``; None if it is neither."""
    weight, times, name = text.rpartition("*")
    if not name:
        return None
    try:
        return {"name": name, "weight": float(weight)} if times else {"name": name}
    except ValueError:
        return None


def _texts(given: Iterable[str]) -> Iterable[str]:
    return [given] if isinstance(given, str) else given
