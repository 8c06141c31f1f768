"""Processes that read batches, and what becomes of them when one is killed."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

POLL = 1
"""Seconds after which a batch that does not come is asked after."""


class WorkerDeathError(Exception):
    """A process that reads was killed; whoever needs its batches starts another one."""


class Reader:
    """Reads the items of each batch and joins them, in order.

    Args:
        dataset: Key -> item.
        batches: Keys of each batch.
        collate: Items -> batch.
        workers: Processes that read; 0 reads in this one.
    """

    def __init__(
        self, dataset: Dataset[Any], batches: Iterable[list[Any]], collate: Callable[[list[Any]], Any], workers: int
    ) -> None:
        loader = DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=workers,
            collate_fn=collate,
            worker_init_fn=_start_worker,
            timeout=POLL if workers else 0,
            generator=torch.Generator(),  # else the loader draws from the generator that dropout uses
        )
        others = set(multiprocessing.active_children())
        before = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
        self._batches: Any
        self._batches = iter(loader)
        if workers:
            self._batches._workers_done_event = _Flag(self._batches._workers_done_event)
        if before is not None and threading.current_thread() is threading.main_thread():
            # the loader's own handler would raise at any instant, in the midst of a step or of a checkpoint
            signal.signal(signal.SIGCHLD, before)
        self._workers = [child for child in multiprocessing.active_children() if child not in others]

    def __next__(self) -> Any:
        """The next batch.

        Raises:
            WorkerDeathError: If a process was killed and what it was to read will not come.
        """
        while True:
            try:
                return next(self._batches)
            except (RuntimeError, OSError, EOFError) as error:
                late = str(error).startswith("DataLoader timed out")
                # half-sent images fail in many ways when their sender is gone, some before the system says that it is
                grace = 0 if late or not self._workers else POLL
                if wait([worker.sentinel for worker in self._workers], timeout=grace):
                    raise WorkerDeathError from error
                if not late:
                    raise

    def close(self) -> None:
        """Stop all processes now."""
        for worker in self._workers:
            worker.kill()  # one that waits for a lock of the dead one would not listen
            worker.join()
        self._batches = None


class _Flag:
    """What the loader has here of the event that tells its workers to stop: one that never waits for ever.

    A worker that is killed while it asks the event holds the event's lock, and nobody ever gives it back.

    Args:
        event: The one that the workers have.
    """

    def __init__(self, event: Any) -> None:
        self._event, self._raised = event, False

    def is_set(self) -> bool:
        return self._raised

    def set(self) -> None:
        self._raised = True
        if self._event._cond.acquire(timeout=POLL):
            self._event._cond.release()
            self._event.set()


def _start_worker(_: int) -> None:
    threading.Thread(target=_end_with_leader, daemon=True).start()
    # a signal to the whole group must leave the workers alive until the checkpoint is written
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)


def _end_with_leader() -> None:
    """End this process as soon as the one that started it is gone: PyTorch asks after it every 5 seconds only."""
    if (leader := multiprocessing.parent_process()) is not None:
        leader.join()
        os._exit(1)  # whatever this process is in the midst of: nobody waits for it
