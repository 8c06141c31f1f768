"""Runs of several seeds, by commands that stand for training: what is begun when, what is kept, what comes of it."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from i2i.config import RunConfig, resolve
from i2i.errors import UsageError
from i2i.training import seeds as module
from i2i.training.folder import RunFolder
from i2i.training.seeds import SeedRun, Seeds, Spread, parse_seeds, train_seeds

WAITS = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); print('on'); time.sleep(60)"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED_EVERY", 0.01)
    monkeypatch.setattr(module, "available_cpus", lambda: 2)


def config(**training: object) -> RunConfig:
    said = {"recipe": {"name": "pix2pix"}, "data": {"path": "pairs"}, "training": {"device": "cpu", **training}}
    return resolve([said])


def running(code: str) -> Callable[[int, RunFolder, Sequence[str]], list[str]]:
    """A command that runs this code with the seed as ``seed``, in the folder of all runs as ``out``."""

    def command(seed: int, folder: RunFolder, place: Sequence[str]) -> list[str]:
        return [sys.executable, "-S", "-c", f"seed, out = {seed}, {str(folder.path.parent)!r}\n{code}"]

    return command


def nobody(line: str) -> None:
    pass


def test_a_failed_run_leaves_the_others_alone_and_is_named_with_its_last_line(tmp_path: Path) -> None:
    heard: list[str] = []
    code = "import sys\nif seed == 1: print('no such image', file=sys.stderr); sys.exit(66)"
    found = train_seeds(config(), [0, 1, 2], tmp_path, heard.append, running(code))
    assert [run.exit_code for run in found.runs] == [0, 66, 0]
    assert found.exit_code == 66
    assert "seed 1 failed with exit code 66: no such image" in heard
    written = json.loads((tmp_path / "seeds.json").read_text())
    assert [(run["seed"], run["folder"], run["exit_code"]) for run in written["runs"]] == [
        (0, "seed-0", 0),
        (1, "seed-1", 66),
        (2, "seed-2", 0),
    ]


def test_as_many_run_at_once_as_there_are_cores_which_they_share(tmp_path: Path) -> None:
    places: list[Sequence[str]] = []
    at_once = "import os, time\nopen(f'{out}/on-{seed}', 'w').close()\ntime.sleep(0.2)\n"
    code = f"{at_once}found = [n for n in os.listdir(out) if n.startswith('on-')]\nassert len(found) <= 2, found\n"

    def command(seed: int, folder: RunFolder, place: Sequence[str]) -> list[str]:
        places.append(place)
        return running(f"{code}os.remove(f'{{out}}/on-{{seed}}')")(seed, folder, place)

    assert train_seeds(config(), range(4), tmp_path, nobody, command).exit_code == 0
    assert places == [["--device", "cpu", "--set", "training.threads=1"]] * 4


def test_how_far_runs_have_come_is_said_when_it_is_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAID_EVERY", 0.02)
    heard: list[str] = []
    code = (
        "import os, time\nos.makedirs(f'{out}/seed-{seed}')\n"
        "open(f'{out}/seed-{seed}/metrics.jsonl', 'w').write('{\"step\": 7}\\n{\"step\": 8')\ntime.sleep(0.4)"
    )
    train_seeds(config(), [4], tmp_path, heard.append, running(code))
    assert heard.count("seed 4: step 7") == 1  # the row of step 8 is not whole


def test_runs_take_as_many_threads_as_they_are_told(tmp_path: Path) -> None:
    assert module._places(config(threads=2), 3) == [["--device", "cpu", "--set", "training.threads=2"]]
    assert len(module._places(config(), 1)) == 1


def test_when_it_is_stopped_every_run_is_told_once_and_waited_for(tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "seed-0.log").exists() or "on" not in (tmp_path / "seed-0.log").read_text():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=stop).start()
    with pytest.raises(KeyboardInterrupt):
        train_seeds(config(), [0], tmp_path, nobody, running(WAITS))
    assert not (tmp_path / "seeds.json").exists()


def test_a_run_begins_by_its_seed_and_goes_on_where_it_has_begun(tmp_path: Path) -> None:
    command, folder = partial(module._command, config(), tmp_path), RunFolder(tmp_path / "seed-3")
    begun = command(3, folder, ["--device", "cpu"])
    assert begun[-6:] == ["--seed", "3", "--out", str(folder.path), "--device", "cpu"]
    folder.checkpoints.mkdir(parents=True)
    assert command(3, folder, ["--device", "cpu"])[-2:] == ["--resume", str(folder.path)]


def test_other_settings_want_another_folder(tmp_path: Path) -> None:
    train_seeds(config(), [0], tmp_path, nobody, running(""))
    train_seeds(config(seed=5), [1], tmp_path, nobody, running(""))  # the seed is what differs
    with pytest.raises(UsageError, match="has runs of other settings"):
        train_seeds(config(steps=3), [0], tmp_path, nobody, running(""))


def test_figures_are_summed_up_over_the_runs_that_are_finished(tmp_path: Path) -> None:
    values = [1.0, 2.0, 6.0, 99.0]
    runs = [SeedRun(seed, tmp_path, int(seed == 3), 10, {"l1": value}) for seed, value in enumerate(values)]
    found = Seeds(runs).figures["l1"]
    assert (found.mean, found.of) == (3.0, 3)
    assert found.spread == pytest.approx(7**0.5)
    assert Seeds(runs[:1]).figures == {"l1": Spread(1.0, None, 1)}


@pytest.mark.parametrize(
    ("said", "seeds"), [("0..4", [0, 1, 2, 3, 4]), ("7", [7]), ("0,3,7", [0, 3, 7]), ("0..1,9", [0, 1, 9])]
)
def test_seeds_are_said_as_ranges_and_lists(said: str, seeds: list[int]) -> None:
    assert parse_seeds(said) == seeds


@pytest.mark.parametrize("said", ["", "4..0", "a", "0..", "1,1", "0.5", [0, -1]])
def test_what_are_no_seeds_is_refused(said: str | list[int]) -> None:
    with pytest.raises(UsageError, match=r"Say such as 0\.\.4"):
        parse_seeds(said)
