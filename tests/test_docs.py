"""README and docs say what is there: names, defaults, commands, files and examples are held against the code."""

import inspect
import os
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer

from i2i import hookspecs, safe_yaml, testing, training
from i2i.cli import translate
from i2i.cli.app import build_app
from i2i.cli.prepare import shared_parameters
from i2i.config import ENGINE, read_file, resolve
from i2i.errors import I2iError
from i2i.options import complete, options_of
from i2i.plugins import catalogue, installed, lookup
from i2i.preparation import Row, prepare
from i2i.preparation.settings import Settings
from i2i.said import parse_assignments, parse_choices
from i2i.sections.networks import Optimizer
from i2i.training.run import RESUMABLE
from i2i.translation.model import ModelConfig

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
STRANGER = ROOT / "tests" / "stranger"

Cli = Callable[..., tuple[int, str, str]]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """Fenced code of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def rows(text: str) -> dict[str, str]:
    """First cell -> second cell of all tables, for rows whose first cell is code."""
    found = re.findall(r"^\| `([^`]+)` \| (.*?) ?\|", text, re.MULTILINE)
    assert len(dict(found)) == len(found), "a row stands twice"
    return {name: cell.strip("`") for name, cell in found}


def section(text: str, holding: str) -> str:
    """The part of a page, between headings of the second level, that holds some text."""
    (part,) = [part for part in re.split(r"^## ", text, flags=re.MULTILINE) if holding in part]
    return part


def section_of_preparer(name: str) -> str:
    """The part of a page that has the options of a preparer."""
    parts = [part for page in PAGES for part in re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)]
    (part,) = [part for part in parts if f"\ni2i prepare {name} " in part and "| option |" in part]
    return part


def snippets(page: Path) -> Iterator[str]:
    """Every line of shell code, and every piece of code in the prose."""
    for block in blocks(page, "bash"):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))


class Command(NamedTuple):
    """A command that does something, and the words that lead to it."""

    words: tuple[str, ...]
    command: Any


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[Command]:
    if not hasattr(command, "list_commands"):
        yield Command(words, command)
        return
    context = command.make_context("i2i", [], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), (*words, name))


EXAMPLES = [
    block
    for block in re.findall(
        r"^```python\n(.*?)^```", section(text_of("plugins.md"), "components of one kind"), re.MULTILINE | re.DOTALL
    )
    if "i2i_preparers" not in block
]
"""The module whose parts plugins.md shows, without what is asked of another one."""

COMMANDS = list(commands(typer.main.get_command(build_app())))
PAGE_OF = {
    "data": "check.md",
    "demo": "index.md",
    "evaluate": "evaluate.md",
    "export": "export.md",
    "import": "import.md",
    "judge": "evaluate.md",
    "plugins": "plugins.md",
    "prepare": "prepare.md",
    "pull": "share.md",
    "push": "share.md",
    "runs": "train.md",
    "serve": "serve.md",
    "study": "study.md",
    "train": "train.md",
    "translate": "translate.md",
}

PAGE_OF_SUBCOMMAND: dict[tuple[str, ...], str] = {("data", "get"): "classic-datasets.md", ("data", "push"): "share.md"}


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("i2i_")])
def test_every_hook_is_described(hook: str) -> None:
    assert hook in rows(text_of("plugins.md"))


@pytest.mark.parametrize("check", [name for name in vars(testing) if name.startswith("check_")])
def test_every_check_of_the_conformance_kit_is_described(check: str) -> None:
    assert f"`{check}`" in text_of("plugins.md")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.words))
def test_every_command_and_each_of_its_flags_is_described(command: Command) -> None:
    page = text_of(PAGE_OF_SUBCOMMAND.get(command.words[:2], PAGE_OF[command.words[0]]))
    if command.words[0] == "data":
        page += text_of("datasets.md")
    if command.words[0] == "prepare":
        page += section_of_preparer(command.words[1])
    assert f"i2i {' '.join(command.words)}" in page
    flags = [flag for parameter in command.command.params for flag in parameter.opts if flag.startswith("--")]
    assert not [flag for flag in flags if flag != "--help" and not re.search(rf"`?{flag}\b", page)]


def test_commands_were_found() -> None:
    assert {command.words[0] for command in COMMANDS} == set(PAGE_OF)


@pytest.mark.parametrize("name", [name for name in ENGINE if name != "optimizer"])
def test_every_setting_of_the_engine_is_in_a_table_with_its_default(name: str) -> None:
    model = ENGINE[name]
    defaults = model.model_construct().model_dump(mode="json")
    told = {row: cell for row, cell in rows(text_of("train.md")).items() if row.startswith(f"{name}.")}
    assert told.keys() == {f"{name}.{option}" for option in model.model_fields}
    for option, field in model.model_fields.items():
        cell = told[f"{name}.{option}"]
        assert cell == "required" if field.is_required() else safe_yaml.load(cell, cell) == defaults[option]


@pytest.mark.parametrize(
    ("page", "name", "kind", "component"),
    [
        ("train.md", "dataset", "dataset", "pairs"),
        ("train.md", "optimizer", "optimizer", "adam"),
        ("pix2pix.md", "recipe", "recipe", "pix2pix"),
        ("pix2pix.md", "generator", "generator", "unet"),
        ("pix2pix.md", "discriminator", "discriminator", "patchgan"),
    ],
)
def test_every_option_of_a_component_is_in_a_table_with_its_default(
    page: str, name: str, kind: str, component: str
) -> None:
    told = {row: cell for row, cell in rows(text_of(page)).items() if row.startswith(f"{name}.")}
    for whatever in Optimizer.model_fields:  # what may be said whichever component is chosen
        told.pop(f"{name}.{whatever}", None)
    defaults = complete(lookup(kind, component).cls, {}, component)
    assert {row: safe_yaml.load(cell, cell) for row, cell in told.items()} == {
        f"{name}.{option}": default for option, default in defaults.items()
    }


def test_every_option_of_the_resnet_is_in_a_table_with_its_default() -> None:
    part = text_of("pix2pix.md").partition("### resnet\n")[2].partition("\n## ")[0]
    defaults = complete(lookup("generator", "resnet").cls, {}, "resnet")
    assert {row: safe_yaml.load(cell, cell) for row, cell in rows(part).items()} == defaults


@pytest.mark.parametrize(
    ("heading", "part", "kind", "component"),
    [
        ("## CycleGAN", "recipe", "recipe", "cyclegan"),
        ("### nafnet", "generator", "generator", "nafnet"),
        ("### lite0-pyramid", "generator", "generator", "lite0-pyramid"),
        ("## Bridge", "recipe", "recipe", "bridge"),
        ("### velocity: unet", "velocity", "velocity", "unet"),
    ],
)
def test_every_option_of_a_method_is_in_a_table_with_its_default(
    heading: str, part: str, kind: str, component: str
) -> None:
    text = re.split(r"^##", text_of("methods.md").partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    defaults = complete(lookup(kind, component).cls, {}, component)
    assert {row: safe_yaml.load(cell, cell) for row, cell in rows(text).items()} == {
        f"{part}.{option}": default for option, default in defaults.items()
    }


def test_the_baseline_has_the_options_of_the_unet() -> None:
    unet, baseline = (complete(lookup("generator", name).cls, {}, name) for name in ("unet", "encoder-decoder"))
    assert unet == baseline
    assert "It has the same options." in text_of("pix2pix.md")


def test_every_loss_and_penalty_is_in_a_table_and_its_options_in_one_with_their_defaults() -> None:
    told = rows(text_of("losses.md"))
    components = {**catalogue("loss"), **catalogue("penalty")}
    defaults = {
        f"{name}.{option}": default
        for name, provided in components.items()
        for option, default in complete(provided.cls, {}, name).items()
    }
    assert {row: safe_yaml.load(cell, cell) for row, cell in told.items() if "." in row} == defaults
    assert {row for row in told if "." not in row} == components.keys()


def test_every_metric_is_described() -> None:
    page = text_of("evaluate.md")
    ours = [name for name, one in catalogue("metric").items() if one.cls.__module__.startswith("i2i_")]
    assert "l1" in ours
    assert not [name for name in ours if f"`{name}`" not in page]


def test_every_option_of_a_metric_over_pairs_is_in_a_table_with_its_default() -> None:
    told = rows(text_of("evaluate.md").partition("## Metrics over pairs\n")[2].partition("\n## ")[0])
    names = {row for row in told if "." not in row}
    assert names >= {"l1", "ssim", "segmentation"}
    assert {row: safe_yaml.load(cell, cell) for row, cell in told.items() if "." in row} == {
        f"{name}.{option}": default
        for name in names
        for option, default in complete(lookup("metric", name).cls, {}, name).items()
    }


def assert_flags(told: dict[str, str], defaults: dict[str, Any]) -> None:
    """A table has all flags, and every default that can be written down."""
    flags = {
        f"--{option.removeprefix('as_').rstrip('_').replace('_', '-')}": default for option, default in defaults.items()
    }
    assert told.keys() == flags.keys()
    unwritten = (None, False, inspect.Parameter.empty)
    written = {flag: value for flag, value in flags.items() if not any(value is other for other in unwritten)}
    assert {flag: safe_yaml.load(told[flag], flag) for flag in written} == written


@pytest.mark.parametrize("name", catalogue("preparer"))
def test_every_option_of_a_preparer_is_in_a_table_with_its_default(name: str) -> None:
    fields = options_of(lookup("preparer", name).cls).model_fields
    own = {option: field.default for option, field in fields.items() if option != "seed"}  # the runner's
    assert_flags(rows(section_of_preparer(name)), own)


def test_flags_that_all_preparers_share_are_in_a_table_with_their_defaults() -> None:
    defaults = {parameter.name: parameter.default for parameter in shared_parameters()[2:]}
    defaults |= {name: field.default or None for name, field in Settings.model_fields.items() if name in defaults}
    told = rows(section(text_of("prepare.md"), "Options of every preparer\n"))
    assert_flags(told, defaults)


def test_flags_of_translate_are_in_a_table_with_their_defaults() -> None:
    parameters = list(inspect.signature(translate.translate).parameters.values())[2:]
    told = {row: cell for row, cell in rows(text_of("translate.md")).items() if row.startswith("--")}
    assert_flags(told, {parameter.name: parameter.default for parameter in parameters})


def test_flags_of_train_set_what_the_table_says(run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    given = {
        "--plugin": "pix2pix",
        "--data": str(shared_pairs),
        "--size": 16,
        "--workers": 0,
        "--epochs": 7,
        "--steps": 1,
        "--batch-size": 2,
        "--seed": 5,
        "--device": "cpu",
        "--precision": "float32",
    }
    small = ["--set", "generator.depth=2", "--set", "generator.base_channels=4", "--set", "recipe.gan_weight=0"]
    flags = [word for pair in given.items() for word in pair]
    code, _, err = run_cli("train", "--out", tmp_path / "run", *flags, "--compile", *small)
    assert code == 0, err
    config = read_file(tmp_path / "run" / "config.yaml")
    told = {row: cell for row, cell in rows(text_of("train.md")).items() if row.startswith("--")}
    settings = {flag: setting.split(".") for flag, setting in told.items()}
    assert {flag: config[name][option] for flag, (name, option) in settings.items()} == given | {"--compile": True}


def test_what_may_change_on_resume_is_listed() -> None:
    _, _, after = text_of("train.md").partition("these may change:\n\n")
    listed = re.findall(r"`(\w+\.\w+)`", after.partition("\n\n")[0])
    assert set(listed) == {f"{name}.{option}" for name, options in RESUMABLE.items() for option in options}


def test_every_exit_code_of_an_error_is_in_the_table() -> None:
    def subclasses(cls: type[I2iError]) -> Iterator[type[I2iError]]:
        yield cls
        for sub in cls.__subclasses__():
            yield from subclasses(sub)

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text_of("train.md"), re.MULTILINE)}
    assert {cls.exit_code for cls in subclasses(I2iError)} <= told


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of README and plugins.md is installed, and beside it the examples of plugins.md and loggers.md."""
    project = tomllib.loads((STRANGER / "pyproject.toml").read_text("utf-8"))["project"]
    info = tmp_path / "site" / "i2i_fullres-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    shown = {"i2i_shown": "\n\n".join(EXAMPLES)}
    shown |= {f"i2i_logger_{place}": block for place, block in enumerate(blocks(DOCS / "loggers.md", "python"))}
    modules = {**project["entry-points"]["i2i"], **{module: module for module in shown}}
    points = "\n".join(f"{name} = {module}" for name, module in modules.items())
    (info / "entry_points.txt").write_text(f"[i2i]\n{points}\n")
    shutil.copy(STRANGER / "i2i_fullres.py", info.parent)
    for module, code in shown.items():
        (info.parent / f"{module}.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(info.parent)
    installed.cache_clear()
    yield
    installed.cache_clear()
    for module in shown:
        sys.modules.pop(module, None)


@pytest.mark.usefixtures("stranger")
@each_page
def test_commands_that_are_shown_can_be_typed(page: Path) -> None:
    known = {command.words: command.command for command in COMMANDS}
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    for line in lines:
        for typed in re.findall(r"(?:^|&& )i2i (.*)", line):
            words = shlex.split(typed, comments=True)
            length = next(length for length in (1, 2) if tuple(words[:length]) in known)
            known[tuple(words[:length])].make_context("i2i", words[length:])


@pytest.mark.usefixtures("stranger")
@each_page
def test_settings_that_are_shown_are_valid(page: Path) -> None:
    for snippet in snippets(page):
        if "i2i translate" in snippet:
            continue  # its --set is of the model's own options
        recipe = re.findall(r"--plugin ([a-z0-9-]+)", snippet) or ["pix2pix"]
        base = {"recipe": {"name": recipe[0]}, "data": {"path": "pairs"}}
        choices = re.findall(r"""--use ["']?([a-z_]+=[^"'\s]+)""", snippet)
        assignments = re.findall(r"""--set (?:"([a-z_.]+=[^"]+)"|'([a-z_.]+=[^']+)'|([a-z_.]+=\S+))""", snippet)
        settings = ["".join(found) for found in assignments]
        of_training = [text for text in settings if "." in text.partition("=")[0]]  # not `i2i translate --set steps=8`
        assigned = parse_assignments(of_training)
        of_metrics = {name: assigned.pop(name) for name in set(assigned) & set(catalogue("metric"))}
        for name, options in of_metrics.items():
            complete(catalogue("metric")[name].cls, options, f"metric {name!r}")
        resolve([base, parse_choices(choices), assigned])
    for block in blocks(page, "yaml"):
        values = safe_yaml.load(block, page.name)
        assert isinstance(values, dict)
        resolve([values])


def ways_to_use() -> list[str]:
    """Flags that plugins.md shows to use its examples by."""
    components = section(text_of("plugins.md"), "components of one kind")
    return sorted(set(re.findall(r"`((?:--plugin|--use|--set) [^`]+)`", components)))


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("flags", ways_to_use())
def test_every_example_of_a_component_is_used_as_is_shown(
    flags: str, run_cli: Cli, shared_pairs: Path, tmp_path: Path
) -> None:
    chosen = flags if "--plugin" in flags else f"--plugin pix2pix {flags}"
    small = "--size 32 --steps 2 --workers 0 --set generator.base_channels=4"
    if "fullres" not in flags:
        small += " --set generator.depth=3"
    if "pix2pix" in chosen and "discriminator" not in flags:
        small += " --set discriminator.layers=1 --set discriminator.base_channels=4"
    words = [*shlex.split(chosen), *shlex.split(small), "--data", shared_pairs, "--out", tmp_path / "run"]
    code, _, err = run_cli("train", *words)
    assert code == 0, err
    assert (tmp_path / "run" / "model" / "config.json").is_file()


def test_every_example_of_a_component_is_shown_in_use() -> None:
    shown = set(re.findall(r'"([a-z0-9-]+)": [A-Z]', "\n".join(EXAMPLES)))
    used = " ".join([*ways_to_use(), "contrast"])  # which is used as brightness is
    assert len(shown) > 8
    assert [name for name in shown if not re.search(rf"\b{name}\b", used)] == []


def test_settings_are_shown() -> None:
    everything = [snippet for page in PAGES for snippet in snippets(page)]
    assert sum("--set" in snippet for snippet in everything) > 5
    assert blocks(DOCS / "train.md", "yaml")


@each_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).is_file(), target


@pytest.mark.parametrize("page", [README, DOCS / "plugins.md"], ids=lambda page: page.name)
def test_the_package_that_is_shown_is_the_tested_one(page: Path) -> None:
    assert (STRANGER / "i2i_fullres.py").read_text("utf-8") in blocks(page, "python")
    assert (STRANGER / "pyproject.toml").read_text("utf-8") in blocks(page, "toml")


def test_ci_installs_and_tests_as_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    (command,) = [line for block in blocks(README, "bash") for line in block.splitlines() if line.endswith("pytest")]
    install, test = command.split(" && ")
    lines = [line.strip() for line in script.read_text("utf-8").splitlines()]
    assert any(line.replace("python -m pip install --quiet", "pip install") == install for line in lines)
    assert any(line.partition(" ")[0] == test for line in lines)
    assert os.access(script, os.X_OK)


@pytest.fixture(scope="module")
def workplace(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples take for granted: photos, drawings, results, a dataset and a run."""
    place = tmp_path_factory.mktemp("workplace")
    shutil.copytree(shared_pairs / "train" / "imageA", place / "photos")
    (place / "results").mkdir()
    (place / "drawings").mkdir()
    shutil.copy(shared_pairs / "val" / "imageA" / "06.png", place / "drawings" / "boot.png")
    prepare("edges", [place / "photos"], place / "my-edges", options={"method": "canny"}, test=0.2, workers=1)
    small = ["generator.depth=3", "generator.base_channels=4", "discriminator.layers=1", "data.crop=32"]
    often = ["training.steps=2", "training.checkpoint_every=1", "validation.every=1", "data.workers=0"]
    said = {"recipe": {"name": "pix2pix"}, "data": {"path": str(shared_pairs)}}
    training.train(resolve([said, parse_assignments([*small, *often])]), place / "runs" / "shoes")
    return place


@pytest.mark.usefixtures("stranger")
@each_page
def test_python_examples_run(page: Path, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    script = tmp_path / f"{page.stem}.py"
    script.write_text("\n\n".join(blocks(page, "python")), "utf-8")
    names = runpy.run_path(str(script), run_name="__main__")
    for name, test in names.items():
        if name.startswith("test_"):
            test()


def test_the_example_translates(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    example = next(block for block in blocks(README, "python") if "Translator" in block)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["photo"].shape == (32, 32, 3)
    assert names["photo"].dtype == np.uint8
    assert Path("boot.png").is_file()


def test_everything_in_a_run_folder_is_described(workplace: Path) -> None:
    made = {path.name for path in (workplace / "runs" / "shoes").iterdir() if not path.name.startswith(".")}
    told = {name.partition("/")[0] for name in rows(section(text_of("train.md"), "The run folder\n"))}
    assert made == told


def test_everything_in_a_model_folder_is_described(workplace: Path) -> None:
    page = section(text_of("translate.md"), "The model folder\n")
    made = {path.name for path in (workplace / "runs" / "shoes" / "model").iterdir()}
    assert made == set(re.findall(r"^      (\S+)", page, re.MULTILINE))
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == ModelConfig.model_fields.keys()


def test_everything_in_a_dataset_folder_is_described(workplace: Path) -> None:
    page = section(text_of("prepare.md"), "The dataset folder\n")
    told = set(re.findall(r"^      ([a-z]\S*)", page, re.MULTILINE))
    made = {path.name for path in (workplace / "my-edges").iterdir()}
    assert made == {name.partition("/")[0] for name in told}
    assert {path.name for path in (workplace / "my-edges" / "train").iterdir()} == {
        name.split("/")[1] for name in told if name.startswith("train/")
    }
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == Row.model_fields.keys()
