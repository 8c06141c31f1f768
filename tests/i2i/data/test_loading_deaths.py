"""Processes that read are killed, as a system short of memory does it."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2i.data.jitter import Jitter
from i2i.data.loading import Loaded, Loader
from i2i.errors import DataError
from i2i.pairs import Pair


class Numbered:
    """Pairs of which one kills the process that reads it, as often as there are files in a folder."""

    def __init__(self, lethal: int, lives: Path) -> None:
        self.names = [f"pair {index}" for index in range(12)]
        self._lethal, self._lives, self._main = lethal, lives, os.getpid()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Pair:
        if index == self._lethal and os.getpid() != self._main and (lives := sorted(self._lives.iterdir())):
            lives[0].unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        image = np.full((8, 8, 1), 20 * index, np.uint8)
        return Pair(image, image)


def lives(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).touch()
    return folder


def read(pairs: Any, workers: int) -> list[Loaded]:
    jitter = Jitter(crop=8, resize=8, mirror=True)
    loader = Loader(pairs, jitter, seed=0, batch_size=2, start=0, stop=12, workers=workers)
    try:
        return list(loader)
    finally:
        loader.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path, workers: int) -> None:
    left = lives(tmp_path / "lives", 2)
    killed = read(Numbered(7, left), workers)
    assert not list(left.iterdir())
    whole = read(Numbered(7, left), 0)
    assert [loaded.names for loaded in killed] == [loaded.names for loaded in whole]
    assert all(torch.equal(a.batch.source, b.batch.source) for a, b in zip(killed, whole, strict=True))


def test_a_pair_that_kills_again_and_again_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'pair 7' kills every process") as refusal:
        read(Numbered(7, lives(tmp_path / "lives", 100)), 2)
    assert str(refusal.value).count("'pair") == 1
    assert not multiprocessing.active_children()


def test_workers_that_are_killed_at_any_instant_change_nothing(tmp_path: Path) -> None:
    pairs = Numbered(-1, lives(tmp_path / "lives", 0))
    jitter = Jitter(crop=8, resize=8, mirror=True)
    loader = Loader(pairs, jitter, seed=0, batch_size=2, start=0, stop=12, workers=2)
    found = []
    for number, loaded in enumerate(loader):
        found.append(loaded)
        if number in (2, 7):
            os.kill(multiprocessing.active_children()[number % 2].pid or 0, signal.SIGKILL)
    loader.close()
    assert [loaded.names for loaded in found] == [loaded.names for loaded in read(pairs, 0)]


class Holding(Numbered):
    """Dies while it holds the lock that all readers share, as one that is killed at the worst instant does."""

    def __getitem__(self, index: int, /) -> Pair:
        if index == self._lethal and os.getpid() != self._main and any(self._lives.iterdir()):
            frame = sys._getframe()
            while "done_event" not in frame.f_locals:
                assert frame.f_back is not None
                frame = frame.f_back
            frame.f_locals["done_event"]._cond.acquire()
        return super().__getitem__(index)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_dies_with_the_common_lock_stops_nothing(tmp_path: Path, workers: int) -> None:
    killed = read(Holding(7, lives(tmp_path / "lives", 1)), workers)
    assert [loaded.names for loaded in killed] == [loaded.names for loaded in read(Holding(-1, tmp_path), 0)]


def test_an_error_of_a_plugin_is_no_death(tmp_path: Path) -> None:
    class Faulty(Numbered):
        def __getitem__(self, index: int, /) -> Pair:
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        read(Faulty(-1, tmp_path), 1)
