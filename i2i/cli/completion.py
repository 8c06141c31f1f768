"""Completes names in the shell: recipes, components, settings.

Asking the plugins imports torch, which nobody waits for at each Tab: what they answered is cached, until another
distribution is installed or a plugin's module changes.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from i2i import safe_json
from i2i.errors import I2iError
from i2i.plugins import COMMANDS, COMPONENTS, catalogue, kinds
from i2i.system.files import user_cache

Words = dict[str, list[str]]
"""What may be typed, by the flag that it is typed for; also by kind of component."""


def completer(*topics: str) -> Callable[[str], list[str]]:
    """Return what completes an argument, for typer's ``autocompletion``.

    Args:
        topics: Keys of `Words`, such as ``recipe`` or ``--set``.
    """

    def complete(incomplete: str) -> list[str]:
        with suppress(I2iError, OSError):
            found = words()
            return [word for topic in topics for word in found[topic] if word.startswith(incomplete)]
        return []

    return complete


def words() -> Words:
    """Load what may be typed from the cache, or ask the plugins and cache it."""
    cache = user_cache("completion.json")
    installed = _installed()
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = safe_json.load(cache.read_bytes())
        if stored["installed"] == installed:
            return {str(topic): list(map(str, found)) for topic, found in stored["words"].items()}
    found = _ask()
    with suppress(OSError):
        _store(cache, json.dumps({"installed": installed, "words": found}))
    return found


def _installed() -> list[list[str]]:
    """Return all that decides the answer: every entry point with its version, and when its module was changed."""
    points = [point for group in (COMPONENTS, COMMANDS) for point in entry_points(group=group)]
    return sorted([point.group, point.name, point.value, _version(point), _changed(point)] for point in points)


def _version(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else ""


def _changed(point: EntryPoint) -> str:
    with suppress(ImportError, ValueError, OSError):
        spec = find_spec(point.module.partition(".")[0])  # of a package inside another, this would import it
        if spec and spec.origin:
            files = Path(spec.origin).parent.rglob("*.py") if spec.submodule_search_locations else [Path(spec.origin)]
            return str(max(file.stat().st_mtime_ns for file in files))
    return ""


def _ask() -> Words:
    from i2i.config import ENGINE
    from i2i.options import options_of

    found = {kind: list(catalogue(kind)) for kind in kinds()}
    uses, settings = set[str](), {f"{name}.{option}=" for name, of in ENGINE.items() for option in of.model_fields}
    for recipe in catalogue("recipe").values():
        with suppress(I2iError):
            settings |= {f"recipe.{option}=" for option in options_of(recipe.cls).model_fields}
            for part, kind, names in _parts(recipe.cls):
                uses |= {f"{part}={name}" for name in names}
                classes = (catalogue(kind)[name].cls for name in names)
                settings |= {f"{part}.{option}=" for cls in classes for option in options_of(cls).model_fields}
    for dataset in catalogue("dataset").values():
        with suppress(I2iError):
            settings |= {f"dataset.{option}=" for option in options_of(dataset.cls).model_fields}
    components = sorted({name for names in found.values() for name in names})
    return {**found, "kind": list(found), "component": components, "--use": sorted(uses), "--set": sorted(settings)}


def _parts(recipe: type) -> Iterable[tuple[str, str, list[str]]]:
    from i2i.assembly import candidates, part_kinds

    serving = candidates(recipe)
    return [(part, kind, serving[part]) for part, kind in part_kinds(recipe).items()]


def _store(cache: Path, text: str) -> None:
    from i2i.system.files import write_atomically

    cache.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(cache, text.encode(), durable=False)
