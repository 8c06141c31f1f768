"""Runs in processes of their own, stopped the hard way."""

import json
import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from training_runs import FRESH, assert_same, finish, new_run, steps_done, wait_for

from i2i.config import read_file, resolve
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.loading import Loader
from i2i.fields import Field
from i2i.pairs import Pair
from i2i.training import resume, train

STEPS, EVERY = 30, 5

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")


def assert_ends_as_uninterrupted(run: Path, whole: Path, steps: int = STEPS) -> None:
    """Resumed, it has the weights and the log of one that nobody interrupted."""
    resume(run, {"data": {"workers": 0}})
    train(resolve([read_file(run / "config.yaml")]), whole)
    assert_same(run, whole, steps)


def test_killed_run_goes_on_and_ends_with_the_same_bytes(shared_pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=2, steps=STEPS, checkpoint_every=EVERY)
    wait_for(run, EVERY + 2, process)
    process.kill()  # the leader alone: its readers end by themselves, and its folder is free
    assert finish(process, run) == (-signal.SIGKILL, "")
    assert_ends_as_uninterrupted(run, tmp_path / "whole")


def test_signal_to_the_whole_group_saves_and_leaves(shared_pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=1, steps=10 * STEPS, checkpoint_every=1000)
    wait_for(run, 1, process)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGTERM)
    code, said = finish(process, run)
    assert code == 75, said
    stopped = steps_done(run)
    assert said.endswith(f"Stopped at step {stopped}; saved. Go on with: i2i train --resume {run}\n")
    saved = json.loads((run / "checkpoints" / "latest.json").read_text())["checkpoint"]
    assert saved == f"step-{stopped:09d}"
    assert_ends_as_uninterrupted(run, tmp_path / "whole", 10 * STEPS)


class Slow:
    """Pairs that nobody waits for; whoever begins to read one says so."""

    def __init__(self, started: Connection) -> None:
        self.names, self._started = [str(index) for index in range(8)], started

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Pair:
        self._started.send(os.getpid())
        time.sleep(600)
        image = np.zeros((8, 8, 1), np.uint8)
        return Pair(image, image)


def lead(started: Connection, workers: int) -> None:
    gray = dict.fromkeys(("source", "target"), Field(channels=1))
    items = Items(Slow(started), gray, Jitter((8, 8), (8, 8), False), seed=0)
    next(Loader(items, batch_size=1, start=0, stop=8, workers=workers))


def test_readers_end_with_their_leader_even_in_the_midst_of_an_image() -> None:
    listening, started = FRESH.Pipe(duplex=False)
    leader = FRESH.Process(target=lead, args=(started, 2))
    leader.start()
    started.close()
    readers = {listening.recv() for _ in range(2)}
    assert len(readers) == 2
    leader.kill()
    if not listening.poll(30):
        for reader in readers:
            os.kill(reader, signal.SIGKILL)
        pytest.fail("The readers live on.")
    with pytest.raises(EOFError):  # nobody is left who could send
        listening.recv()
