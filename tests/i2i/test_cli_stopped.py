"""Ctrl-C is one line that says what has become of the work, and exit code 130."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from small_models import model_folder

from i2i import images
from i2i.plugins import installed

Cli = Callable[..., tuple[int, str, str]]

CHECK = """
import sys
from i2i.cli import main

if __name__ == "__main__":
    main(sys.argv[1:])
"""


def children(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    try:
        own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []
    return own + [below for child in own for below in children(child)]


def test_ctrl_c_while_a_plugin_is_loaded_names_it(run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: EntryPoint) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(EntryPoint, "load", load)
    installed.cache_clear()
    try:
        code, out, err = run_cli("--version")
    finally:
        installed.cache_clear()
    assert (code, out) == (130, "")
    assert re.fullmatch(r"Stopped\. Plugin '\w+' \(from i2i-toolkit\) was at work\.\n", err)


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_check_is_stopped_with_its_group_while_processes_start(shared_pairs: Path, tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text(CHECK)
    line = [sys.executable, str(script), "data", "check", str(shared_pairs), "--workers", "4"]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=tmp_path, start_new_session=True, stdout=pipe, stderr=pipe, text=True) as check:
        while len(children(check.pid)) < 3:  # the tracker of resources, the process that forks, and a worker
            assert check.poll() is None
            time.sleep(0.001)
        os.killpg(check.pid, signal.SIGINT)
        said = check.communicate()
    assert (check.returncode, *said) == (130, "", "Stopped. Nothing was written.\n")
    assert os.listdir(tmp_path) == ["check.py"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_training_is_stopped_before_its_first_step(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(torch, "manual_seed", lambda _: signal.raise_signal(number))
    said = run_cli("train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", tmp_path / "run")
    assert said == (code, "", "Stopped. No step was made. Run the same command again.\n")
    assert not (tmp_path / "run").exists()


def test_translating_says_how_many_are_done(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_folder(tmp_path / "model")
    rename, out = Path.replace, tmp_path / "out"

    def third(source: Path, target: Path) -> Path:
        if len([*out.glob("*.png")]) == 2:
            signal.raise_signal(signal.SIGINT)
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", third)
    code, _, err = run_cli("translate", model, shared_pairs / "train" / "imageA", "--out", out)
    assert (code, err) == (
        130,
        f"Stopped. 2 of 6 images are translated, in {out}. The same command goes on from here.\n",
    )
    assert sorted(file.name for file in out.glob("*.png")) == ["00.png", "01.png"]
    assert all(images.read(file).pixels.shape == (32, 32, 3) for file in out.glob("*.png"))
