"""Processes that read are killed, as a system short of memory does it."""

import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from i2i.data import readers as readers_module
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.loading import Loader
from i2i.errors import DataError, ResourceError
from i2i.fields import Field
from i2i.pairs import Pair


class Numbered:
    """Pairs of which one kills the process that reads it, if that is a worker."""

    def __init__(self, lethal: int) -> None:
        self.names = [f"pair {index}" for index in range(12)]
        self.lethal, self.main = lethal, os.getpid()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Pair:
        if index == self.lethal and os.getpid() != self.main:
            os.kill(os.getpid(), signal.SIGKILL)
        image = np.full((8, 8, 1), 20 * index, np.uint8)
        return Pair(image, image)


class Late(Numbered):
    """Dies when all that it has read before is fetched, so that nothing but a look at it tells."""

    def __getitem__(self, index: int, /) -> Pair:
        if index == self.lethal and os.getpid() != self.main:
            time.sleep(0.5)
        return super().__getitem__(index)


class Holding(Numbered):
    """Dies while it holds the locks that all readers share, as one that is killed at the worst instant does."""

    def __getitem__(self, index: int, /) -> Pair:
        if index == self.lethal and os.getpid() != self.main:
            frame = sys._getframe()
            while "done_event" not in frame.f_locals:
                assert frame.f_back is not None
                frame = frame.f_back
            frame.f_locals["data_queue"]._wlock.acquire()
            if hasattr(frame.f_locals["done_event"], "_cond"):
                frame.f_locals["done_event"]._cond.acquire()
        return super().__getitem__(index)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch asks every five seconds whether its workers live; here more often, so that tests need not wait."""
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.2,))


def loading(pairs: Any, workers: int) -> Loader:
    gray = dict.fromkeys(("source", "target"), Field(channels=1))
    items = Items(pairs, gray, Jitter((8, 8), (8, 8), True), seed=0)
    return Loader(items, batch_size=2, start=0, stop=12, workers=workers)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize(("pairs", "workers"), [(Numbered(7), 1), (Late(7), 1), (Holding(7), 2)])
def test_a_killed_worker_ends_the_reading_in_one_line_that_names_the_place(pairs: Numbered, workers: int) -> None:
    batches = [loaded.names for loaded in loading(Numbered(-1), 0)]
    loader, said = loading(pairs, workers), list[str]()

    def read() -> None:
        try:
            list(loader)
        except ResourceError as death:
            said.append(str(death))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(20)  # what is left of the reading must not wait for a lock of the dead one
    assert not reading.is_alive()
    words = r".* killed by SIGKILL, at '(pair \d+)' or soon after it\. .* lower data\.workers \(now \d\)\."
    found = re.fullmatch(words, said[0])
    assert found
    named = found[1]
    lethal, reported = (next(n for n, batch in enumerate(batches) if name in batch) for name in ("pair 7", named))
    assert lethal - 2 * workers <= reported <= lethal  # what else the process had read ahead is lost with it
    assert not multiprocessing.active_children()
    loader.close()


class Hanging(Numbered):
    """Has a pair on which a worker stays for ever."""

    def __getitem__(self, index: int, /) -> Pair:
        if index == self.lethal and os.getpid() != self.main:
            time.sleep(60)
        return Pair(np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1), np.uint8))


def test_a_pair_that_hangs_ends_the_reading_in_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers_module, "MAX_SECONDS", 0.5)
    loader = loading(Hanging(7), 1)
    with pytest.raises(DataError, match=r"more than 0.5 seconds an image: .*'pair 7'.*\. Remove what hangs\."):
        list(loader)
    assert not multiprocessing.active_children()


def test_an_error_of_a_plugin_is_no_death() -> None:
    class Faulty(Numbered):
        def __getitem__(self, index: int, /) -> Pair:
            raise RuntimeError("a bug")

    loader = loading(Faulty(-1), 1)
    with pytest.raises(RuntimeError, match="a bug"):
        next(loader)
    loader.close()
    assert not multiprocessing.active_children()


def test_a_reader_without_memory_names_the_pair() -> None:
    class Huge(Numbered):
        def __getitem__(self, index: int, /) -> Pair:
            raise MemoryError

    with pytest.raises(ResourceError, match=r"Not enough memory to read 'pair \d+'\. Lower data\.workers"):
        next(loading(Huge(-1), 0))
