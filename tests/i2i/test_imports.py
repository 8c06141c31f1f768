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
