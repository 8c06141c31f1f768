"""The shape of the house: who may import whom, and what a wheel holds."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = sorted((ROOT / "i2i").rglob("*.py"))
EXTENSIONS = sorted(file for place in ("plugins", "tools") for file in (ROOT / place).rglob("*.py"))
HEAVY = {"torch", "numpy", "cv2", "datasets", "huggingface_hub", "kornia", "PIL"}


@cache
def nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text())))


def imported(file: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports, at its head or inside a function."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


FLOORS: list[set[str]] = [
    {"hall"},
    {"system"},
    {"images"},
    {"data", "preparation", "net"},
    {"translation", "evaluation"},
    {"training"},
    {"cli", "testing", "builtin"},
]
"""Rooms of the engine, the lowest first: a room needs those below it, and none beside it."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
DOORS = {"__init__.py", "__main__.py"}
"""Files through which people enter: they lead into any room."""


def room_of(path: str) -> str:
    """Return the room of a file, or of a module by its dotted name; whatever stands at the door is in the hall."""
    first = path.removesuffix(".py").replace("/", ".").split(".")[1]
    return first if first in FLOOR else "hall"


def needed(file: Path) -> Iterator[str]:
    """Rooms of the engine that a file imports from: at its head, inside functions, and for types alone."""
    for node in nodes(file):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"i2i.{alias.name}" for alias in node.names] if node.module == "i2i" else [node.module]
        else:
            modules = []
        yield from (room_of(module) for module in modules if module.startswith("i2i."))


def test_rooms_need_only_those_below_them() -> None:
    files = [file for file in ENGINE if file.parent.name != "i2i" or file.name not in DOORS]
    arrows = [(named(file), room_of(named(file)), room) for file in files for room in needed(file)]
    assert {room for _, room, _ in arrows} == FLOOR.keys()
    assert not [(name, room) for name, own, room in arrows if room != own and FLOOR[room] >= FLOOR[own]]


def test_every_folder_of_the_engine_is_a_room() -> None:
    assert {file.parts[-2] for file in (ROOT / "i2i").glob("*/__init__.py")} <= FLOOR.keys()


def test_engine_names_no_plugin() -> None:
    assert not [(named(file), name) for file in ENGINE for name in imported(file) if name.startswith("i2i_")]


def test_plugins_and_tools_import_only_themselves_and_the_engine() -> None:
    packages = [(file, name) for file in EXTENSIONS for name in imported(file) if name.startswith("i2i_")]
    assert not [(named(file), name) for file, name in packages if name != file.relative_to(ROOT).parts[1]]


def reads_json(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("load", "loads") and ast.unparse(node.value) == "json"


def test_json_is_read_in_one_place() -> None:
    dumped = ROOT / "i2i" / "testing"  # reads what it has just written
    files = [file for file in (*ENGINE, *EXTENSIONS) if dumped not in file.parents]
    assert not [named(file) for file in files if any(map(reads_json, nodes(file)))]


def test_there_is_something_to_look_at() -> None:
    assert len(ENGINE) > 10
    assert {file.relative_to(ROOT).parts[1] for file in EXTENSIONS} >= {"i2i_pix2pix", "i2i_prepare"}
    assert "i2i" in set(imported(ROOT / "plugins/i2i_pix2pix/recipe.py"))


def test_folders_of_packages_are_no_packages() -> None:
    assert not [place for place in ("plugins", "tools", "tests") if (ROOT / place / "__init__.py").exists()]
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_wheel_holds_the_engine_and_every_plugin_and_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    folders = [named(file.parent) for place in ("plugins", "tools") for file in (ROOT / place).glob("*/__init__.py")]
    assert sorted(listed) == sorted(["i2i", *folders])
    assert all((ROOT / package / "py.typed").exists() for package in listed)


def test_every_plugin_and_tool_has_an_entry_point() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for place, group in (("plugins", "i2i"), ("tools", "i2i.commands")):
        packages = {file.parent.name for file in (ROOT / place).glob("*/__init__.py")}
        assert packages <= {value.partition(":")[0] for value in groups[group].values()}


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = """
import json, sys
from i2i.cli import main
for arguments in (["--help"], ["train", "--help"], ["plugins", "--help"]):
    try:
        main(arguments)
    except SystemExit as left:
        assert not left.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.count("Usage") == 3
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert "i2i" in loaded
    assert not loaded & HEAVY
