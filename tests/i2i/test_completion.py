"""Names are completed in the shell, at once after the first time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from i2i.cli import completion
from i2i.config import parse_assignments, parse_choices
from i2i.plugins import catalogue, kinds


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "i2i" / "completion.json"


def refuse() -> completion.Words:
    raise AssertionError("the plugins were asked again")


def test_what_is_completed_may_be_typed() -> None:
    found = completion.words()
    assert all(found[kind] == list(catalogue(kind)) for kind in kinds())
    assert {"generator", "preparer"} < set(found["kind"])
    assert {"unet", "pix2pix", "edges"} < set(found["component"])
    chosen = parse_choices(found["--use"])
    assert {"generator", "discriminator", "pixel_loss", "gan_loss"} <= set(chosen)
    settings = parse_assignments(f"{word}1" for word in found["--set"])
    assert {"depth", "base_channels"} <= set(settings["generator"])
    assert {"recipe", "dataset", "training", "optimizer"} <= set(settings)


def test_plugins_are_asked_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = completion.words()
    monkeypatch.setattr(completion, "_ask", refuse)
    assert completion.words() == first
    assert completion.completer("generator")("un") == ["unet"]
    assert completion.completer("--use")("pixel_loss=") == ["pixel_loss=l1", "pixel_loss=l2"]


@pytest.mark.parametrize("damage", ["", "[]", '{"installed": 1}', "{"])
def test_another_plugin_or_a_damaged_cache_is_asked_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    completion.words()
    cache.write_text(damage)
    asked = {"recipe": ["new"]}
    monkeypatch.setattr(completion, "_ask", lambda: asked)
    assert completion.words() == asked
    monkeypatch.setattr(completion, "_installed", lambda: [["i2i", "mine", "mine", "mine 1", ""]])
    monkeypatch.setattr(completion, "_ask", lambda: {"recipe": ["newer"]})
    assert completion.words() == {"recipe": ["newer"]}


def test_the_shell_is_answered_without_torch() -> None:
    completion.words()
    code = "import sys\nfrom i2i.cli import main\ntry:\n    main()\nfinally:\n    assert 'torch' not in sys.modules"
    asked = {"_I2I_COMPLETE": "complete_bash", "COMP_WORDS": "i2i plugins show un", "COMP_CWORD": "3"}
    command = [sys.executable, "-c", f"import sys; sys.argv = ['i2i']\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **asked}, check=False)
    assert (done.stdout.split(), done.stderr) == (["unet"], "")
