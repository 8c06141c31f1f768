"""A run that is killed leaves no process behind."""

import os
import signal
import time
from multiprocessing.connection import Connection

import numpy as np
import pytest
from training_runs import FRESH

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
