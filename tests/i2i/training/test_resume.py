"""Runs in processes of their own, killed the hard way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STEPS = 240
FILES = ("model/generator.safetensors", "model-last/generator.safetensors", "metrics.jsonl")


def start(*arguments: object) -> subprocess.Popen[str]:
    """``i2i`` in a process group of its own, as a shell or a cluster would start it."""
    command = [sys.executable, "-c", "from i2i.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def new_run(data: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    settings = [
        *("generator.depth=2", "generator.base_channels=4", "discriminator.layers=1", "discriminator.base_channels=4"),
        *("training.threads=1", "training.checkpoint_every=30", "validation.every=60", "validation.images=1"),
    ]
    flags = [word for setting in settings for word in ("--set", setting)]
    return start(
        *("train", "--plugin", "pix2pix", "--data", data, "--out", out, "--size", 16, "--steps", STEPS),
        *("--workers", workers, *flags),
    )


def steps_done(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b'"lr"') if log.exists() else 0


def wait_for(run: Path, steps: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while steps_done(run) < steps:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def assert_same(one: Path, other: Path) -> None:
    for file in FILES:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    steps = [json.loads(line)["step"] for line in (one / "metrics.jsonl").read_text().splitlines() if '"lr"' in line]
    assert steps == list(range(1, STEPS + 1))


@pytest.fixture(scope="module")
def uninterrupted(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    finish(new_run(shared_pairs, run, workers=0))
    return run


def test_killed_again_and_again_it_ends_with_the_same_bytes(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=1)
    for kill_at, workers in ((17, 1), (75, 0), (160, 2)):
        wait_for(run, kill_at, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        process = start("train", "--resume", run, "--workers", workers)
    finish(process)
    assert_same(run, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_saves_and_leaves(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=1)
    wait_for(run, 40, process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert f"{number.name} at step" in err
    assert f"i2i train --resume {run}" in err
    assert "Traceback" not in err
    saved = json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    assert saved == f"step-{steps_done(run):09d}"
    finish(start("train", "--resume", run))
    assert_same(run, uninterrupted)


def test_damage_to_the_last_checkpoint_costs_one_interval(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=0)
    wait_for(run, 100, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    latest = run / "checkpoints" / json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    weights = bytearray((latest / "recipe.safetensors").read_bytes())
    weights[-1] ^= 4
    (latest / "recipe.safetensors").write_bytes(weights)
    process = start("train", "--resume", run)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "recipe.safetensors is damaged" in err
    assert_same(run, uninterrupted)
