"""What the plugins provide is kept: lists and the shell are answered at once after the first time."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from i2i.cli import inventory
from i2i.cli.completion import completer
from i2i.plugins import catalogue, kinds
from i2i.said import parse_assignments, parse_choices

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "i2i" / "plugins.json"


@pytest.fixture
def poisoned(tmp_path: Path) -> dict[str, str]:
    """An environment in which whoever imports torch fails."""
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison" / "torch.py").write_text("raise SystemExit('torch was imported')")
    return {**os.environ, "PYTHONPATH": str(tmp_path / "poison")}


def refuse() -> inventory.Inventory:
    raise AssertionError("the plugins were asked again")


def answer(name: str, *problems: str) -> inventory.Inventory:
    return inventory.Inventory([{"kind": "recipe", "name": name}], list(problems), {"recipe": [name]})


def run(code: str, environment: dict[str, str]) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    return done.stdout, done.stderr


def test_what_is_completed_may_be_typed() -> None:
    found = inventory.inventory().words
    assert all(found[kind] == list(catalogue(kind)) for kind in kinds())
    assert {"generator", "preparer"} < set(found["--kind"])
    assert {"generator", "unet", "pix2pix", "edges"} < set(found["[KIND] NAME"])
    chosen = parse_choices(found["--use"])
    assert {"generator", "discriminator", "pixel_loss", "gan_loss"} <= set(chosen)
    settings = parse_assignments(f"{word}1" for word in found["--set"])
    assert {"depth", "base_channels"} <= set(settings["generator"])
    assert {"recipe", "dataset", "training", "optimizer"} <= set(settings)


def test_plugins_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = inventory.inventory()
    monkeypatch.setattr(inventory, "ask", refuse)
    assert inventory.inventory() == first
    assert completer("generator")("un") == ["unet"]
    assert {"pixel_loss=l1", "pixel_loss=l2"} <= set(completer("--use")("pixel_loss="))


@pytest.mark.parametrize("damage", ["", "[]", '{"installed": 1}', "{", '{"installed": KEY, "rows": 7}'])
def test_another_plugin_or_a_damaged_cache_is_asked_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    inventory.inventory()
    cache.write_text(damage.replace("KEY", json.dumps(inventory.fingerprint())))
    monkeypatch.setattr(inventory, "ask", lambda: answer("new"))
    assert inventory.inventory() == answer("new")
    monkeypatch.setattr(inventory, "fingerprint", lambda: [["i2i", "mine", "mine", "mine 1", ""]])
    monkeypatch.setattr(inventory, "ask", lambda: answer("newer"))
    assert inventory.inventory() == answer("newer")


def test_a_list_does_not_believe_that_a_plugin_is_still_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "ask", lambda: answer("some", "plugin 'bad': ImportError"))
    inventory.inventory()
    monkeypatch.setattr(inventory, "ask", lambda: answer("all"))
    assert inventory.inventory() == answer("some", "plugin 'bad': ImportError")
    assert inventory.inventory(anew=True) == inventory.inventory() == answer("all")


def test_plugins_are_listed_without_torch_the_second_time(run_cli: Cli, poisoned: dict[str, str]) -> None:
    _, first, _ = run_cli("plugins", "list", "--json")
    command = "import sys; sys.argv = ['i2i', 'plugins', 'list', '--json']; from i2i.cli import main; main()"
    assert run(command, poisoned) == (first, "")
    assert {row["kind"] for row in json.loads(first)} > {"recipe", "generator", "preparer"}


def test_the_shell_is_answered_without_torch(poisoned: dict[str, str]) -> None:
    inventory.inventory()
    asked = {"_I2I_COMPLETE": "complete_bash", "COMP_WORDS": "i2i plugins show une", "COMP_CWORD": "3"}
    out, err = run("import sys; sys.argv = ['i2i']; from i2i.cli import main; main()", {**poisoned, **asked})
    assert (out.split(), err) == (["unet"], "")


def test_poison_works(poisoned: dict[str, str], cache: Path) -> None:
    command = "import sys; sys.argv = ['i2i', 'plugins', 'list']; from i2i.cli import main; main()"
    assert "torch was imported" in "".join(run(command, poisoned))
