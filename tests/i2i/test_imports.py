"""The shape of the house: who may import whom, and what a wheel holds."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
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
    {"system", "compute"},
    {"images"},
    {"data", "preparation", "net", "pages"},
    {"translation"},
    {"evaluation"},
    {"training", "exporting"},
    {"cli", "testing", "builtin"},
]
"""Rooms of the engine, the lowest first: a room needs those below it, and none beside it."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HALL = {"sections"}
"""Folders that stand in the hall."""
DOORS = {"__init__.py", "__main__.py", "api.py"}
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
    assert {room_of(named(file)) for file in files} == FLOOR.keys()
    assert not [(name, room) for name, own, room in arrows if room != own and FLOOR[room] >= FLOOR[own]]


def test_every_folder_of_the_engine_is_a_room() -> None:
    assert {file.parts[-2] for file in (ROOT / "i2i").glob("*/__init__.py")} <= FLOOR.keys() | HALL


def test_engine_names_no_plugin() -> None:
    assert not [(named(file), name) for file in ENGINE for name in imported(file) if name.startswith("i2i_")]


def test_plugins_and_tools_import_only_themselves_and_the_engine() -> None:
    packages = [(file, name) for file in EXTENSIONS for name in imported(file) if name.startswith("i2i_")]
    assert not [(named(file), name) for file, name in packages if name != file.relative_to(ROOT).parts[1]]


DOCS = ROOT / "docs" / "plugins.md"
PUBLIC = set(re.findall(r"^\| `(i2i[a-z_.]*)` \|", DOCS.read_text("utf-8").partition("## What is public")[2], re.M))
"""Modules that plugins may rely on, as the page says that they are written for."""

INSIDE = {
    "i2i.choices",
    "i2i.cli.console",
    "i2i.cli.flags",
    "i2i.cli.groups",
    "i2i.cli.inventory",
    "i2i.cli.progress",
    "i2i.cli.training_progress",
    "i2i.config",
    "i2i.data",
    "i2i.data.columns",
    "i2i.data.items",
    "i2i.data.jitter",
    "i2i.data.tables",
    "i2i.data.tables.ab",
    "i2i.data.tables.folders",
    "i2i.data.tables.manifest",
    "i2i.data.tables.names",
    "i2i.evaluation.asked",
    "i2i.evaluation.measuring",
    "i2i.images.colour",
    "i2i.images.discovery",
    "i2i.images.formats",
    "i2i.images.geometry",
    "i2i.images.label_list",
    "i2i.images.near_copies",
    "i2i.images.reader",
    "i2i.images.shift",
    "i2i.net",
    "i2i.net.download",
    "i2i.net.retry",
    "i2i.net.urls",
    "i2i.options",
    "i2i.parameters",
    "i2i.partners",
    "i2i.places",
    "i2i.plugins",
    "i2i.preparation.report",
    "i2i.preparation.tasks",
    "i2i.prepared",
    "i2i.safe_yaml",
    "i2i.said",
    "i2i.selection",
    "i2i.serving",
    "i2i.splits",
    "i2i.system",
    "i2i.system.devices",
    "i2i.system.files",
    "i2i.system.folders",
    "i2i.system.text",
    "i2i.system.unfilled",
    "i2i.training.folder",
    "i2i.training.initial",
    "i2i.training.run",
    "i2i.translation",
    "i2i.translation.exports",
    "i2i.translation.folder",
    "i2i.translation.jobs",
    "i2i.translation.model",
    "i2i.translation.parts",
    "i2i.translation.translator",
    "i2i.translation.weights",
}
"""What the tools need besides: they are released together with the engine, and change with it."""


def of_the_engine(code: ast.AST) -> Iterator[str]:
    """Modules of the engine that some code imports from, by their dotted names."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "i2i")
        elif isinstance(node, ast.ImportFrom) and node.module == "i2i":
            yield from (f"i2i.{alias.name}" if is_module(alias.name) else "i2i" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("i2i."):
            yield node.module


def is_module(name: str) -> bool:
    return (ROOT / "i2i" / name).is_dir() or (ROOT / "i2i" / f"{name}.py").exists()


def used_by(files: Iterable[Path]) -> set[str]:
    return {module for file in files for module in of_the_engine(ast.parse(file.read_text("utf-8")))}


def test_plugins_need_nothing_but_what_is_public() -> None:
    used = used_by(file for file in EXTENSIONS if file.is_relative_to(ROOT / "plugins"))
    assert used >= {"i2i", "i2i.contracts", "i2i.errors"}
    assert used - PUBLIC == set()


def test_tools_need_what_is_public_and_what_is_listed_here() -> None:
    used = used_by(file for file in EXTENSIONS if file.is_relative_to(ROOT / "tools"))
    assert used - PUBLIC == INSIDE


def test_what_strangers_are_shown_needs_nothing_but_what_is_public() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = [
        code for page in pages for code in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    ]
    texts = [template.read_text("utf-8") for template in (ROOT / "i2i" / "cli" / "template").glob("*.py.j2")]
    made = [re.sub(r"{{ *(\w+) *}}", r"\1", text) for text in texts]
    used = {module for code in (*shown, *made) for module in of_the_engine(ast.parse(code))}
    assert used >= {"i2i", "i2i.contracts", "i2i.pairs", "i2i.testing"}
    assert used - PUBLIC == set()


def test_what_is_public_is_there_and_says_what_it_offers() -> None:
    assert len(PUBLIC) > 5
    for name in PUBLIC:
        module = importlib.import_module(name)
        assert module.__doc__
        assert [word for word in vars(module) if not word.startswith("_")]


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


def test_first_step_and_translation_import_neither_compiler_nor_symbols(tmp_path: Path, shared_pairs: Path) -> None:
    settings = ["generator.depth=2", "generator.base_channels=2", "discriminator.layers=1", "data.workers=0"]
    options = ["--size", "32", "--steps", "1", *(word for setting in settings for word in ("--set", setting))]
    train = ["train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", tmp_path / "run", *options]
    image = shared_pairs / "val" / "imageA" / "06.png"
    translate = ["translate", tmp_path / "run", image, "--out", tmp_path / "made"]
    code = """
import json, sys
from i2i.cli import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as left:
        assert not left.code
print(json.dumps(sorted(sys.modules)))
"""
    arguments = json.dumps([[str(word) for word in command] for command in (train, translate)])
    done = subprocess.run([sys.executable, "-c", code, arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "i2i.training.rehearsal" in loaded
    assert not loaded & {"sympy", "torch._dynamo", "torch.fx.experimental.symbolic_shapes"}
