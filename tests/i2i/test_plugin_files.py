"""A plugin out of one file: used in a run, recorded, found again, and refused where it cannot be one."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest
from safetensors.torch import load_file

from i2i import safe_yaml
from i2i.errors import MissingInputError, UsageError
from i2i.kinds import COMPONENTS
from i2i.plugin_files import load_plugin_file
from i2i.plugins import catalogue, installed, kinds, lookup

Cli = Callable[..., tuple[int, str, str]]

MINE = """
import torch
from torch import nn

import i2i

class Quarter(nn.Module):
    '''The fourth root of the difference, as a frozen layer sees it.'''

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1).requires_grad_(False)
        self.register_buffer("floor", torch.tensor(1e-3))

    def forward(self, output, target):
        return (self.layer(output - target).abs() + self.floor).pow(0.25).mean()

class Pixelwise(nn.Module):
    '''One layer.'''

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, source):
        return torch.tanh(self.layer(source))

@i2i.hookimpl
def i2i_losses():
    return {"quarter": Quarter}

@i2i.hookimpl
def i2i_generators():
    return {"pixelwise": Pixelwise}

@i2i.hookimpl
def i2i_components():
    return {"sampler": {"quarters": Quarter}}
"""

LIGHT = """
import i2i

class Things:
    def __init__(self, count=3):
        self.count = count

@i2i.hookimpl
def i2i_datasets():
    return {"things": Things}
"""

SMALL = ["--set", "discriminator.layers=1", "--set", "discriminator.base_channels=4", "--size", "32", "--workers", "0"]
CHOICE = ["--plugin", "pix2pix", "--use", "pixel_loss=quarter", "--use", "generator=pixelwise", *SMALL]


def as_new_process() -> None:
    """Forget what was loaded, as if this process had just begun."""
    for name in installed(COMPONENTS).checksums():
        sys.modules.pop(name, None)
    installed.cache_clear()


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    as_new_process()
    yield
    as_new_process()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


@pytest.fixture
def run(run_cli: Cli, mine: Path, shared_pairs: Path, tmp_path: Path) -> Path:
    """A run of one step that needs the file; another process than the one that it was made by."""
    arguments = ["--data", shared_pairs, "--out", tmp_path / "run", "--steps", 1, *CHOICE]
    code, _, err = run_cli("train", "--plugin-file", mine, *arguments)
    assert code == 0, err
    as_new_process()
    return tmp_path / "run"


def test_what_is_in_it_is_found_as_if_it_were_installed(mine: Path) -> None:
    checksum = hashlib.sha256(mine.read_bytes()).hexdigest()
    loaded = load_plugin_file(mine)
    assert (loaded.path, loaded.sha256) == (str(mine), checksum)
    found = lookup("loss", "quarter")
    assert found[1:] == ("mine", "mine.py", f"0+{checksum[:12]}", checksum)
    assert lookup("sampler", "quarters").cls is found.cls
    assert "sampler" in kinds()


def test_run_and_model_say_that_they_need_it(run: Path, mine: Path) -> None:
    checksum = hashlib.sha256(mine.read_bytes()).hexdigest()
    config = safe_yaml.load((run / "config.yaml").read_text(), "config.yaml")
    assert config["plugins"] == {"files": [{"path": str(mine), "sha256": checksum}]}
    providers = json.loads((run / "model" / "config.json").read_text())["providers"]
    assert (providers["generator"]["distribution"], providers["generator"]["sha256"]) == ("mine.py", checksum)
    assert providers["recipe"]["sha256"] == ""


def test_loss_with_weights_is_no_part_of_the_model_and_is_in_the_checkpoint(run: Path) -> None:
    assert {file.name for file in (run / "model").iterdir()} == {"config.json", "generator.safetensors"}
    (saved,) = (run / "checkpoints").glob("*/model/pixel_loss.safetensors")
    assert {name.rpartition("quarter.")[2] for name in load_file(saved)} == {"layer.weight", "layer.bias", "floor"}


def test_resumed_run_loads_it_again(run: Path, run_cli: Cli) -> None:
    code, out, err = run_cli("train", "--resume", run, "--steps", 2)
    assert (code, "Done: 2 steps" in out) == (0, True), err
    assert "to the bit" not in err


def test_file_that_changed_or_is_gone_stops_a_resumed_run(run: Path, mine: Path, run_cli: Cli) -> None:
    mine.write_text(MINE.replace("0.25", "0.5"))
    code, _, err = run_cli("train", "--resume", run, "--steps", 2)
    assert code == 2
    assert f"The plugin file {mine} has changed" in err
    mine.rename(mine.with_name("yours.py"))
    code, _, err = run_cli("train", "--resume", run, "--steps", 2)
    assert code == 66
    assert f"Cannot read the plugin file {mine}" in err
    code, _, err = run_cli("train", "--resume", run, "--steps", 2, "--plugin-file", mine.with_name("yours.py"))
    assert code == 0, err
    assert "The run may not repeat to the bit: plugins: was" in err
    assert "yours.py" in (run / "config.yaml").read_text()


def test_configuration_runs_no_code(run: Path, mine: Path, run_cli: Cli, tmp_path: Path) -> None:
    arguments = ["train", "--config", run / "config.yaml", "--out", tmp_path / "other"]
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert f"The plugin file {mine} is needed. Give it: --plugin-file {mine}." in err
    assert "mine" not in sys.modules
    code, _, err = run_cli(*arguments, "--plugin-file", mine)
    assert code == 0, err


def test_checksum_that_is_none_is_refused(run: Path, run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    config = run / "model" / "config.json"
    values = json.loads(config.read_text())
    values["providers"]["generator"]["sha256"] = "run this: rm -r ."
    config.write_text(json.dumps(values))
    code, _, err = run_cli("translate", run, shared_pairs / "val" / "imageA", "--out", tmp_path / "out")
    assert code == 2
    assert "option 'providers.generator.sha256': string should match pattern" in err


def test_model_of_a_file_translates_with_it_and_says_so_without(
    run: Path, mine: Path, run_cli: Cli, shared_pairs: Path, tmp_path: Path
) -> None:
    arguments = ["translate", run, shared_pairs / "val" / "imageA", "--out", tmp_path / "out"]
    checksum = hashlib.sha256(mine.read_bytes()).hexdigest()
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert "No generator named 'pixelwise'." in err
    assert f"Give that file by --plugin-file (its sha256 begins with {checksum[:12]})." in err
    code, _, err = run_cli(*arguments, "--plugin-file", mine)
    assert (code, err) == (0, "")
    mine.write_text(MINE + "\n")
    as_new_process()
    code, _, err = run_cli(*arguments, "--plugin-file", mine, "--overwrite")
    assert code == 0
    assert f"generator 'pixelwise': the model was made with mine.py 0+{checksum[:12]}, and mine.py 0+" in err


HOOK = "import i2i\n@i2i.hookimpl\ndef "


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("mine.py", "x = (", "fails: SyntaxError"),
        ("mine.py", "raise OSError('no\nGPU')", "fails: SyntaxError"),
        ("mine.py", "raise OSError('no GPU')", "fails: OSError: no GPU."),
        ("mine.py", "import sys; sys.exit()", "fails: SystemExit."),
        ("mine.py", "def i2i_losses(): ...", "it implements no hook. Mark its hooks with @i2i.hookimpl."),
        ("mine.py", f"{HOOK}i2i_zebras(): ...", "cannot be used: there is no hook 'i2i_zebras'"),
        ("mine.py", f"{HOOK}i2i_losses(): return 7", "cannot be used: i2i_losses() fails: TypeError"),
        ("mine.py", f"{HOOK}i2i_losses(): return {{'l1': int}}", "loss 'l1' is provided by both"),
        ("mine.py", f"{HOOK}i2i_preparers(): ...", "i2i_preparers is asked of installed packages alone."),
        ("json.py", LIGHT, "has the name of another module"),
        ("pix2pix.py", LIGHT, "another plugin is called 'pix2pix' too"),
        ("my-loss.py", LIGHT, "'my-loss.py' is no name of a plugin file."),
        ("mine.txt", LIGHT, "'mine.txt' is no name of a plugin file."),
    ],
)
def test_file_that_cannot_be_a_plugin_is_refused_and_leaves_nothing(
    tmp_path: Path, name: str, code: str, reason: str
) -> None:
    (tmp_path / name).write_text(code)
    with pytest.raises(UsageError) as error:
        load_plugin_file(tmp_path / name)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert installed(COMPONENTS).checksums() == {}
    assert installed(COMPONENTS).problems == []
    assert not (name == "mine.py" and "mine" in sys.modules)
    assert lookup("loss", "l1").plugin != "mine"


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"Cannot read the plugin file .*none\.py: No such file"):
        load_plugin_file(tmp_path / "none.py")


def test_file_that_was_edited_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    for name in ("first", "then"):
        file.write_text(LIGHT.replace('"things"', f"{name!r}"))
        for _ in range(2):  # the second time, nothing is to be done
            load_plugin_file(file)
        assert {"first", "then"} & catalogue("dataset").keys() == {name}


def test_other_processes_find_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LIGHT)
    load_plugin_file(tmp_path / "mine.py")
    things = lookup("dataset", "things").cls(5)
    context = get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=queue.put, args=(things,))
    process.start()
    assert queue.get().count == 5
    process.join()
