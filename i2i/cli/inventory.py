"""What the plugins provide, in words, kept on this disk.

Asking the plugins imports torch, which nobody waits for to see a list, or at each Tab: what they answered is kept until
another distribution is installed or a plugin's module changes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from i2i import safe_json
from i2i.errors import I2iError, UsageError
from i2i.kinds import COMMANDS, COMPONENTS, group_of
from i2i.options import summary_of
from i2i.plugins import PluginProblem, Provided, catalogue, installed, kinds
from i2i.system.files import user_cache

Words = dict[str, list[str]]
"""What may be typed, by the flag or argument that it is typed for; also by kind of component."""


class Inventory(NamedTuple):
    """Everything that is provided."""

    rows: list[dict[str, str]]
    """Of each component its kind, name, summary, plugin, distribution and version."""
    problems: list[str]
    """What is wrong with plugins and components, a line each."""
    words: Words


def inventory(*, anew: bool = False) -> Inventory:
    """Load what was kept, or ask the plugins and keep the answer.

    Args:
        anew: Ask also where a plugin was broken: what it lacked may have come since.
    """
    cache = user_cache("plugins.json")
    key = fingerprint()
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if (kept := _read(cache, key)) is not None and not (anew and kept.problems):
            return kept
    found = ask()
    with suppress(OSError):
        store(cache, {"installed": key, **found._asdict()})
    return found


def _read(cache: Path, key: list[list[str]]) -> Inventory | None:
    """Read what was kept, if it was for these plugins."""
    stored = safe_json.load(cache.read_bytes())
    if stored["installed"] != key:
        return None
    return Inventory(
        rows=[{str(column): str(cell) for column, cell in row.items()} for row in stored["rows"]],
        problems=[str(problem) for problem in stored["problems"]],
        words={str(topic): [str(word) for word in found] for topic, found in stored["words"].items()},
    )


def fingerprint() -> list[list[str]]:
    """Return all that decides what plugins answer: every entry point, its version, when its module was changed."""
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


def store(cache: Path, answer: Mapping[str, Any]) -> None:
    """Keep an answer, which is plain data, for whoever has the same `fingerprint`.

    Raises:
        OSError: If there is no place for it.
    """
    from i2i.system.files import write_atomically

    cache.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(cache, json.dumps(answer).encode(), durable=False)


def ask() -> Inventory:
    """Ask every plugin what it provides; imports torch."""
    rows = [row_of(kind, name, provided) for kind in kinds() for name, provided in catalogue(kind).items()]
    return Inventory(rows, problems(), _words())


def row_of(kind: str, name: str, provided: Provided) -> dict[str, str]:
    """Return what a list says of a component."""
    origin = {"plugin": provided.plugin, "distribution": provided.distribution, "version": provided.version}
    return {"kind": kind, "name": name, "summary": summary_of(provided.cls), **origin}


def problems() -> list[str]:
    """Return a line for every broken plugin, name that two provide, and component that cannot be configured."""
    unusable = [line for kind in kinds() for name, p in catalogue(kind).items() for line in _faults(kind, name, p)]
    broken = [str(problem) for group in (COMPONENTS, COMMANDS) for problem in installed(group).problems]
    clashes = [line for kind in kinds() for line in installed(group_of(kind)).clashes(kind).values()]
    return [*broken, *clashes, *unusable]


def _faults(kind: str, name: str, provided: Provided) -> Iterator[str]:
    from i2i.options import options_of
    from i2i.serving import part_kinds

    try:
        options_of(provided.cls)
        if kind == "recipe":
            part_kinds(provided.cls)
    except UsageError as error:
        yield str(
            PluginProblem(provided.plugin, f"{provided.distribution} {provided.version}", f"{kind} {name!r}: {error}")
        )


def _words() -> Words:
    from i2i.config import ENGINE
    from i2i.options import options_of

    found = {kind: list(catalogue(kind)) for kind in kinds()}
    uses, settings = set[str](), {f"{name}.{option}=" for name, of in ENGINE.items() for option in of.known()}
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
    shown = {*found, *(name for names in found.values() for name in names)}
    plugins = {"--kind": list(found), "[KIND] NAME": sorted(shown)}
    return {**found, **plugins, "--use": sorted(uses), "--set": sorted(settings)}


def _parts(recipe: type[Any]) -> Iterable[tuple[str, str, list[str]]]:
    from i2i.serving import candidates, part_kinds

    serving = candidates(recipe)
    return [(part, kind, serving[part]) for part, kind in part_kinds(recipe).items()]
