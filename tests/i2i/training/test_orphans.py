"""A run that is killed leaves no process behind."""

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from training_runs import Command, new_run, wait_for

from i2i.data.jitter import Jitter
from i2i.data.loading import Loader
from i2i.pairs import Pair


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
    loader = Loader(Slow(started), Jitter(8, 8, False), seed=0, batch_size=1, start=0, stop=8, workers=workers)
    next(loader)


@pytest.mark.parametrize("workers", [1, 2])
def test_readers_end_with_their_leader_even_in_the_midst_of_an_image(workers: int) -> None:
    fresh = multiprocessing.get_context("spawn")
    listening, started = fresh.Pipe(duplex=False)
    leader = fresh.Process(target=lead, args=(started, workers))
    leader.start()
    started.close()
    readers = {listening.recv() for _ in range(workers)}
    assert len(readers) == workers
    leader.kill()
    if not listening.poll(30):
        for reader in readers:
            os.kill(reader, signal.SIGKILL)
        pytest.fail("The readers live on.")
    with pytest.raises(EOFError):  # nobody is left who could send
        listening.recv()


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_run_whose_leader_alone_was_killed_goes_on_at_once(shared_pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = new_run(shared_pairs, run, workers=2, steps=60, checkpoint_every=10)
    wait_for(run, 20, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    Command("train", "--resume", run).finish()
