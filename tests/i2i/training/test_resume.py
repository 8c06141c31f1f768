"""Runs in processes of their own, stopped the hard way."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from training_runs import Command, assert_same, new_run, steps_done, wait_for

from i2i.config import read_file, resolve
from i2i.training import train

STEPS, EVERY = 30, 5

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")


def assert_as_uninterrupted(run: Path, whole: Path) -> None:
    """It has the weights and the log of one that nobody interrupted, here in this process."""
    train(resolve([read_file(run / "config.yaml")]), whole)
    assert_same(run, whole, STEPS)


def test_killed_again_and_again_it_ends_with_the_same_bytes(shared_pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=2, steps=STEPS, checkpoint_every=EVERY)
    wait_for(run, EVERY + 2, process)
    os.kill(process.pid, signal.SIGKILL)  # the leader alone: its readers end by themselves, and its folder is free
    assert process.wait()[0] == -signal.SIGKILL
    process = Command("train", "--resume", run, "--workers", 1)
    wait_for(run, 3 * EVERY + 2, process)
    process.signal(signal.SIGKILL)
    assert process.wait()[0] == -signal.SIGKILL
    Command("train", "--resume", run, "--workers", 0).finish()
    assert_as_uninterrupted(run, tmp_path / "whole")


def test_a_signal_to_the_whole_group_saves_and_leaves(shared_pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=1, steps=STEPS, checkpoint_every=1000)
    wait_for(run, 3, process)
    process.signal(signal.SIGTERM)
    code, said = process.wait()
    assert code == 75, said
    stopped = steps_done(run)
    assert said.endswith(f"Stopped at step {stopped}; saved. Go on with: i2i train --resume {run}\n")
    saved = json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    assert saved == f"step-{stopped:09d}"
    Command("train", "--resume", run).finish()
    assert_as_uninterrupted(run, tmp_path / "whole")
