"""Runs in processes of their own, killed the hard way."""

import json
import signal
from pathlib import Path

import pytest
from training_runs import Command, assert_same, new_run, steps_done, wait_for

STEPS, EVERY = 240, 30


def start(data: Path, out: Path, workers: int) -> Command:
    return new_run(data, out, workers, steps=STEPS, checkpoint_every=EVERY)


@pytest.fixture(scope="module")
def uninterrupted(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    start(shared_pairs, run, workers=0).finish()
    return run


def test_killed_again_and_again_it_ends_with_the_same_bytes(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(shared_pairs, run, workers=1)
    for kill_at, workers in ((17, 1), (75, 0), (160, 2)):
        wait_for(run, kill_at, process)
        process.signal(signal.SIGKILL)
        assert process.wait()[0] == -signal.SIGKILL
        process = Command("train", "--resume", run, "--workers", workers)
    process.finish()
    assert_same(run, uninterrupted, STEPS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_saves_and_leaves(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    process = start(shared_pairs, run, workers=1)
    wait_for(run, 40, process)
    process.signal(number)
    code, said = process.wait()
    assert code == 75, said
    assert f"{number.name} at step" in said
    assert f"i2i train --resume {run}" in said
    assert "Traceback" not in said
    saved = json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    assert saved == f"step-{steps_done(run):09d}"
    Command("train", "--resume", run).finish()
    assert_same(run, uninterrupted, STEPS)


def test_damage_to_the_last_checkpoint_costs_one_interval(
    shared_pairs: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(shared_pairs, run, workers=0)
    wait_for(run, 100, process)
    process.signal(signal.SIGKILL)
    process.wait()
    latest = run / "checkpoints" / json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    weights = bytearray((latest / "recipe.safetensors").read_bytes())
    weights[-1] ^= 4
    (latest / "recipe.safetensors").write_bytes(weights)
    assert "recipe.safetensors is damaged" in Command("train", "--resume", run).finish()
    assert_same(run, uninterrupted, STEPS)
