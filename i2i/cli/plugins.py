"""``i2i plugins``: what is installed, what each component takes, and what is wrong with a plugin."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from i2i.cli.completion import completer
from i2i.cli.console import complain, shown
from i2i.cli.inventory import inventory, problems, row_of
from i2i.cli.new_plugin import new_plugin
from i2i.errors import UnknownNameError, UsageError, suggest
from i2i.kinds import COMMANDS, COMPONENTS, KINDS
from i2i.options import description_of, plain
from i2i.plugins import Provided, catalogue, installed, installed_versions, kinds, lookup

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

KNOWN = f"{', '.join(KINDS)}, or one that a plugin brings"

LIBRARIES = ("i2i-toolkit", "torch", "numpy", "pillow", "kornia", "safetensors", "typer", "pluggy", "pydantic")
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""Distributions that write into one and the same folder ``cv2``."""


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="See what is installed, and what is wrong with it.", no_args_is_help=True)
    group.command("list")(list_components)
    group.command("show")(show_component)
    group.command("doctor")(doctor)
    group.command("new")(new_plugin)
    app.add_typer(group, name="plugins")


def list_components(
    kind: Annotated[
        str | None,
        typer.Option(help=f"Only these: {KNOWN}.", autocompletion=completer("--kind")),
    ] = None,
    as_json: Json = False,
) -> None:
    """List every component, with the plugin and the package that it comes from."""
    found = inventory(anew=True)
    if kind is not None:
        _check_kind(kind, found.words["--kind"])
    rows = [row for row in found.rows if kind in (None, row["kind"])]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        table = Table("kind", "name", "what it is", "plugin", "package")
        for row in rows:
            table.add_row(*map(shown, (row["kind"], row["name"], row["summary"], row["plugin"], _package(row))))
        Console().print(table)
    said_at_start = {str(problem) for problem in installed(COMMANDS).problems}
    for problem in found.problems:
        if problem not in said_at_start:
            complain(f"Warning: {problem}", "yellow")


def show_component(
    what: Annotated[
        list[str],
        typer.Argument(metavar="[KIND] NAME", help=f"A kind is {KNOWN}.", autocompletion=completer("[KIND] NAME")),
    ],
    as_json: Json = False,
) -> None:
    """Describe a recipe with its parts, or any component, with every option.

    Such as: i2i plugins show pix2pix, i2i plugins show generator unet.
    """
    if len(what) > 2:
        raise UsageError(f"{' '.join(what)!r} is not a kind and a name. Such as: i2i plugins show generator unet.")
    name = what[-1]
    kind, *others = _kinds_of(name) if len(what) == 1 else what[:1]
    _check_kind(kind, kinds())
    described = _description(kind, name, lookup(kind, name))
    if as_json:
        typer.echo(json.dumps(described, indent=2))
        return
    console = Console()
    console.print(f"[bold]{kind} {shown(name)}[/] (plugin {shown(described['plugin'])}, {shown(_package(described))})")
    console.print(shown(described["description"]), highlight=False)
    if kind == "recipe":
        _print_parts(console, described)
    _print_options(console, described["options"])
    for other in others:
        console.print(shown(f"Also called {name}: i2i plugins show {other} {name}"), soft_wrap=True)


def doctor(as_json: Json = False) -> None:
    """Say what is wrong with the installed plugins; exit code 1 if one is broken."""
    broken, warnings = problems(), _warnings()
    versions = {"python": platform.python_version(), **installed_versions((*LIBRARIES, *OPENCV))}
    if as_json:
        typer.echo(json.dumps({"problems": broken, "warnings": warnings, "versions": versions}, indent=2))
    else:
        console = Console(soft_wrap=True, highlight=False)
        console.print(shown(", ".join(f"{name} {number}" for name, number in versions.items())))
        for problem in broken:
            console.print(f"[red]Broken: {shown(problem)}[/]")
        for warning in warnings:
            console.print(f"[yellow]Warning: {shown(warning)}[/]")
        if not broken:
            groups = (COMPONENTS, COMMANDS)
            plugins = sorted(name for group in groups for name, _ in installed(group).manager.list_name_plugin())
            console.print(f"[green]No plugin is broken.[/] They are: {shown(', '.join(plugins))}.")
    if broken:
        raise typer.Exit(1)


def _kinds_of(name: str) -> list[str]:
    """Return the kinds of which there is a component of that name, the one that is meant first.

    A recipe goes before all others, and a kind that i2i knows before one that a plugin brings.
    """
    found = [kind for kind in kinds() if name in catalogue(kind)]
    meant = found[:1] if "recipe" in found else [kind for kind in found if kind in KINDS] or found
    if len(meant) > 1:
        ways = " or ".join(f"`i2i plugins show {kind} {name}`" for kind in found)
        raise UsageError(f"{name!r} is of several kinds: {ways}.")
    if not found:
        known = [known for kind in kinds() for known in catalogue(kind)]
        raise UnknownNameError(f"No component named {name!r}.{suggest(name, known)} See `i2i plugins list`.")
    return found


def _check_kind(kind: str, known: Collection[str]) -> None:
    if kind not in known:
        raise UsageError(f"No kind {kind!r}.{suggest(kind, known)} Kinds: {', '.join(known)}.")


def _description(kind: str, name: str, provided: Provided) -> dict[str, Any]:
    from i2i.options import options_of

    schema = options_of(provided.cls).model_json_schema()
    described: dict[str, Any] = {**row_of(kind, name, provided)}
    described["description"] = description_of(provided.cls)
    if kind == "recipe":
        from i2i.choices import as_choice
        from i2i.serving import candidates, part_kinds

        recipe, names = provided.cls, candidates(provided.cls)
        described["parts"] = {
            part: {"kind": kind, "default": as_choice(recipe.defaults[part]), "candidates": names[part]}
            for part, kind in part_kinds(recipe).items()
        }
        described["settings"] = {section: dict(values) for section, values in recipe.settings.items()}
    described["options"] = {
        option: {
            "type": _type(values, schema.get("$defs", {})),
            "required": option in schema.get("required", ()),
            "default": values.get("default"),
            "meaning": plain(values.get("description", "")),
        }
        for option, values in schema.get("properties", {}).items()
    }
    return described


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return a JSON schema in the words of a person, such as ``integer from 1`` or ``batch | instance``."""
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return " | ".join(_type(each, definitions) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(str(choice) for choice in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"list of {', '.join(_type(each, definitions) for each in schema['prefixItems'])}"
    if "items" in schema:
        return f"list of {_type(schema['items'], definitions)}"
    limits = [f"{words} {schema[limit]:g}" for limit, words in LIMITS.items() if limit in schema]
    return " ".join([schema.get("type", "anything"), *limits])


LIMITS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "below",
    "multipleOf": "by",
}


def _print_parts(console: Console, recipe: Mapping[str, Any]) -> None:
    table = Table("part", "kind", "default", "others")
    for part, values in recipe["parts"].items():
        others = [name for name in values["candidates"] if name != values["default"]]
        table.add_row(*map(shown, (part, values["kind"], values["default"], ", ".join(others))))
    console.print(table)
    for section, values in recipe["settings"].items():
        console.print(shown(", ".join(f"{section}.{name} = {json.dumps(value)}" for name, value in values.items())))


def _print_options(console: Console, options: Mapping[str, Any]) -> None:
    if not options:
        console.print("No options.")
        return
    table = Table("option", "type", "default", "meaning")
    for option, values in options.items():
        default = "required" if values["required"] else json.dumps(values["default"])
        table.add_row(*map(shown, (option, values["type"], default, values["meaning"])))
    console.print(table)


def _warnings() -> list[str]:
    warnings = [str(problem) for group in (COMPONENTS, COMMANDS) for problem in installed(group).made_for_others()]
    doubled = list(installed_versions(OPENCV))
    if len(doubled) > 1:
        advice = "They overwrite each other's files: uninstall all and install opencv-python-headless."
        warnings.append(f"{' and '.join(doubled)} are both installed. {advice}")
    return warnings


def _package(row: Mapping[str, Any]) -> str:
    return f"{row['distribution']} {row['version']}"
