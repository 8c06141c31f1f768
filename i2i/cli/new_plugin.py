"""``i2i plugins new``: a package with one component, its test, and all that makes it a package."""

import re
import shlex
from collections.abc import Iterator
from datetime import date
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from i2i import __version__
from i2i.cli.inventory import inventory
from i2i.errors import UsageError
from i2i.hookspecs import API
from i2i.kinds import KINDS
from i2i.system.files import make_folder, write_atomically

Made = Literal["generator", "discriminator", "loss", "dataset", "recipe", "metric", "logger", "preparer"]

USES = {
    "generator": "--plugin pix2pix --use generator={}",
    "discriminator": "--plugin pix2pix --use discriminator={}",
    "loss": "--plugin pix2pix --use pixel_loss=l1+{}",
    "dataset": "--plugin pix2pix --set dataset.name={}",
    "recipe": "--plugin {}",
    "metric": "--plugin pix2pix --set 'validation.metrics=[l1, {}]'",
    "logger": "--plugin pix2pix --set 'training.loggers=[{}]'",
}
"""How `i2i train` uses a component of a kind, by its name."""


def new_plugin(
    name: Annotated[
        str, typer.Argument(help="Of the component, such as edge-loss; the package is called i2i-edge-loss.")
    ],
    kind: Annotated[Made, typer.Option(help="What it provides.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the package; i2i-NAME when not given.")] = None,
) -> None:
    """Make a package with a small component that works, its test, a README, a licence and a file for CI.

    Change the component into yours.
    """
    name = name.removeprefix("i2i-")
    _check_name(name, kind)
    folder = out or Path(f"i2i-{name}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and not empty. Give another folder with --out.")
    for path, text in list(package(name, kind)):
        make_folder((folder / path).parent)
        write_atomically(folder / path, text.encode())
    place = shlex.quote(str(folder))
    typer.echo(f"Made {folder}: a {kind} called {name}, with its test. Next:")
    for command in (
        f"pip install -e {place}",
        f"i2i plugins show {kind} {name}",
        f"pytest {place}",
        use_of(kind, name),
    ):
        typer.echo(f"  {command}")


def package(name: str, kind: Made) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file of a package.

    Args:
        name: Of the component, lower-case with hyphens.
        kind: Of the component.

    Raises:
        UsageError: If its class would hide something that it is made of.
    """
    from jinja2 import Environment, StrictUndefined

    module = f"i2i_{name.replace('-', '_')}"
    words = {
        "name": name,
        "kind": kind,
        "package": f"i2i-{name}",
        "module": module,
        "cls": "".join(word.capitalize() for word in name.split("-")),
        "title": name.replace("-", " ").capitalize(),
        "group": KINDS[kind].group if "." not in KINDS[kind].group else f'"{KINDS[kind].group}"',
        "use": use_of(kind, name),
        "version": __version__,
        "api": API,
        "year": date.today().year,
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "LICENSE": "LICENSE",
        ".github/workflows/test.yaml": "ci.yaml",
        f"{module}.py": f"{kind}.py",
        f"tests/test_{module}.py": f"{kind}_test.py",
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    for path, template in templates.items():
        text = (files("i2i.cli") / "template" / f"{template}.j2").read_text("utf-8")
        if re.search(rf"\b{words['cls']}\b", text) and path.endswith(".py"):
            raise UsageError(f"{name!r} makes a class {words['cls']}, which is something else here. Say my-{name}.")
        yield path, environment.from_string(text).render(words)


def use_of(kind: Made, name: str) -> str:
    """Return the command that uses a component."""
    if kind == "preparer":
        return f"i2i prepare {name} PHOTOS pairs"
    return f"i2i train {USES[kind].format(name)} --data pairs --out runs/{name}"


def _check_name(name: str, kind: Made) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"{name!r} is no name of a component. Use lower-case words with hyphens, such as edge-loss.")
    taken = name in inventory().words[kind] or name in entry_points(group=KINDS[kind].group).names
    if taken or find_spec(f"i2i_{name.replace('-', '_')}"):
        raise UsageError(f"{name!r} is the name of something that is installed. Choose another one.")
