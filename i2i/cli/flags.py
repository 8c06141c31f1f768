"""Flags of the command line out of the options of a component."""

import inspect
import re
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


MAX_PIXELS = 40_000_000  # `i2i.images.MAX_PIXELS`, which would load the image libraries
MaxPixels = Annotated[
    int | None, typer.Option(help="Largest image that is read, in pixels.", min=1, show_default=str(MAX_PIXELS))
]

Precision = Annotated[
    Literal["auto", "float32", "bf16"] | None,
    typer.Option(help="Numbers that networks compute in; auto is bf16 on a GPU that has it, else float32."),
]


def plain(docstring: str) -> str:
    """Return a docstring for the terminal: paragraphs in one line, no markup of reStructuredText, none of rich."""
    from rich.markup import escape

    return escape(re.sub(r"(?<!\n)\n(?!\n| )", " ", docstring).replace("``", ""))


def flag_of(option: str, field: "FieldInfo") -> inspect.Parameter:
    """Build the flag of an option: dashes for underscores, limits, choices, default and help."""
    kind = _core(field.annotation)
    default = None if field.is_required() else field.default
    shown: bool | str = default is not None
    if choices := _choices(kind):
        kind = Literal[tuple(choices)]
        default = None if default is None else str(default)
    elif kind not in (bool, int, float, str, Path):  # text that is read as YAML, so a default is no text
        kind, shown, default = str, shown and str(default), None
    flag = f"--{option.replace('_', '-')}"
    limits = {"min": _limit(field, "ge"), "max": _limit(field, "le")} if kind in (int, float) else {}
    declaration = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    info = typer.Option(declaration, help=plain(field.description or ""), show_default=shown, **limits)
    annotation = Annotated[kind if field.is_required() else kind | None, info]  # type: ignore[valid-type]
    return inspect.Parameter(
        option,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if field.is_required() else default,
        annotation=annotation,
    )


def _core(annotation: Any) -> Any:
    """Return a type without its limits, and without None beside it."""
    origin, parts = get_origin(annotation), list(get_args(annotation))
    if origin is Annotated:
        return _core(parts[0])
    some = [part for part in parts if part is not type(None)]
    if some in ([Path, str], [str, Path]):  # a file, or words about the same
        return str
    return _core(some[0]) if origin in (Union, UnionType) and len(some) == 1 else annotation


def _choices(kind: Any) -> dict[str, Any]:
    """Return text -> value, of a type that has only some values."""
    return {str(value): value for value in get_args(kind)} if get_origin(kind) is Literal else {}


def _limit(field: "FieldInfo", name: str) -> Any:
    """Return a limit of a number, also where None is allowed beside it."""
    metadata = [*field.metadata, *(m for part in get_args(field.annotation) for m in getattr(part, "__metadata__", ()))]
    found = (getattr(m, name, None) for entry in metadata for m in (entry, *getattr(entry, "metadata", ())))
    return next((value for value in found if value is not None), None)


def as_data(option: str, value: Any, field: "FieldInfo") -> Any:
    """Parse what was typed for an option; where neither text nor a number is wanted, read as a YAML file would be."""
    from i2i import safe_yaml

    kind = _core(field.annotation)
    if choices := _choices(kind):
        return choices[value]
    return (
        safe_yaml.load(value, f"--{option.replace('_', '-')}") if isinstance(value, str) and kind is not str else value
    )
