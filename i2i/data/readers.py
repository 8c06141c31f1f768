"""Processes that read batches, in order, and lay them into memory that they share with the one that trains."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple
from weakref import WeakMethod

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from i2i.data.batches import Key, KeyedBatches, Reader, Stacked, read_batch
from i2i.data.items import Items
from i2i.data.slots import Slots
from i2i.errors import DataError, I2iError, ResourceError, UsageError
from i2i.system.pool import GUARD, MAX_SECONDS

AHEAD = 2
"""Batches that each process has before it is asked for them."""

LATE = "DataLoader timed out"
"""How PyTorch begins to say that a batch has not come."""

GRACE = 1
"""Seconds in which the system says that a process is gone, of which something half sent has come."""


class Readers(Reader):
    """Processes that read; close it, so that none outlives the run.

    Args:
        items: What to read, and what to do to it.
        keys: Which of them, in which batches. Its start is moved on with every batch that has come.
        workers: How many processes, 1 or more.
    """

    def __init__(self, items: Items, keys: KeyedBatches, workers: int) -> None:
        self._keys, self._names = keys, items.dataset.names
        context = _without_locks()
        # one more than are ever asked for: the one that came last is in use until the next is wanted
        self._slots = Slots(context, AHEAD * workers + 1, keys.batch_size * items.bytes_of_one)
        orders: Any = _InSlots(keys, self._slots.count)
        loader = DataLoader(
            _Laying(items, self._slots),
            batch_sampler=orders,
            num_workers=workers,
            prefetch_factor=AHEAD,
            collate_fn=_as_it_is,
            worker_init_fn=_start_worker,
            multiprocessing_context=context,
            timeout=MAX_SECONDS * keys.batch_size,
            generator=torch.Generator(),  # else the loader draws from the generator that dropout uses
        )
        others, handler = set(multiprocessing.active_children()), _child_handler()
        batches: Any = iter(loader)
        batches._try_get_data = _Asking(batches._try_get_data)
        self._reading: Iterator[Stacked | I2iError] | None = batches
        self._workers = [child for child in multiprocessing.active_children() if child not in others]
        if handler is not None:
            # the loader's own would raise at any instant, in the midst of a step or of a checkpoint
            signal.signal(signal.SIGCHLD, handler)
        if multiprocessing.get_start_method() != "fork":
            self._check_started()

    def __next__(self) -> Stacked:
        """Return the next batch, whose arrays are good until the one after it is asked for.

        Raises:
            I2iError: If an image cannot be read, or takes too long.
            ResourceError: If a process was killed.
        """
        if self._reading is None:
            raise StopIteration
        try:
            stacked = next(self._reading)
        except (RuntimeError, OSError, EOFError) as error:  # what a dead process has half sent fails in many ways
            if str(error).startswith(LATE):
                raise self._lateness() from error
            gone = wait([worker.sentinel for worker in self._workers], timeout=GRACE)
            if not gone:
                raise
            dead = next(worker for worker in self._workers if worker.sentinel in gone)
            raise self._death_of(dead) from error
        if isinstance(stacked, I2iError):
            raise stacked
        self._keys.start += 1
        return self._slots.unpacked(stacked)

    def close(self) -> None:
        """Stop the processes now: at exit the interpreter would wait for ones that ignore signals."""
        self._reading = None
        for worker in self._workers:
            worker.kill()
            worker.join()

    def _check_started(self) -> None:
        """Wait for the first batch, or for a process that ends before: the script that it imports starts it anew.

        Raises:
            UsageError: If one has ended.
        """
        first = self._reading._worker_result_queue._reader  # type: ignore[union-attr]
        ready = wait([first, *(worker.sentinel for worker in self._workers)], timeout=MAX_SECONDS)
        if ready and first not in ready:
            self.close()
            raise UsageError(f"A process that reads images died as it started. {GUARD}")

    def _lateness(self) -> DataError:
        """Stop the workers, and say which images take for ever."""
        batch = next(iter(self._keys))
        self.close()
        names = ", ".join(repr(self._names[key.item]) for key in batch)
        return DataError(f"Reading takes more than {MAX_SECONDS:g} seconds an image: {names}. Remove what hangs.")

    def _death_of(self, dead: BaseProcess) -> ResourceError:
        """Stop the other workers, and say what happened where."""
        dead.join()
        self.close()
        code = dead.exitcode or 0
        by = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended by code {code}"
        name = self._names[next(iter(self._keys))[0].item]
        return ResourceError(
            f"A process that reads images was {by}, at {name!r} or soon after it. "
            f"If memory is short, lower data.workers (now {len(self._workers)})."
        )


class _Order(NamedTuple):
    """What a process is asked to read, and where it lays that."""

    slot: int
    keys: Sequence[Key]


class _InSlots:
    """Gives each batch a slot, in turn.

    Args:
        keys: Of the batches.
        count: How many slots there are.
    """

    def __init__(self, keys: KeyedBatches, count: int) -> None:
        self._keys, self._count = keys, count

    def __iter__(self) -> Iterator[_Order]:
        return (_Order(number % self._count, keys) for number, keys in enumerate(self._keys))

    def __len__(self) -> int:
        return len(self._keys)


class _Laying(TorchDataset[Any]):
    """What a process does with an order; PyTorch asks whole batches of what has this method."""

    def __init__(self, items: Items, slots: Slots) -> None:
        self._items, self._slots = items, slots

    def __getitems__(self, order: _Order) -> Stacked | I2iError:
        stacked = read_batch(self._items, order.keys, self._slots.room(order.slot))
        return stacked if isinstance(stacked, I2iError) else self._slots.packed(stacked)


def _as_it_is(stacked: Any) -> Any:
    return stacked


def reading(items: Items, keys: KeyedBatches, workers: int) -> Reader:
    """Return what reads batches: processes, or with 0 of them this one."""
    return Readers(items, keys, workers) if workers else Reader(items, keys)


class _Asking:
    """Asks for a batch until its time is over, and every few seconds whether all workers live.

    PyTorch's loader asks after them every 5 seconds only where it waits without a limit: with one, a reader that was
    killed while nothing else was under way would be noticed when the time is over.

    Args:
        ask: The loader's way to wait that long for a batch; returns whether one came, and it.
    """

    def __init__(self, ask: Callable[..., tuple[bool, Any]]) -> None:
        self._ask = WeakMethod(ask)  # else the loader would wait for the garbage collector, with its workers

    def __call__(self, timeout: float) -> tuple[bool, Any]:
        """Return whether a batch came within so many seconds, and it."""
        end, ask = time.monotonic() + timeout, self._ask()
        assert ask is not None  # it is the loader itself that waits
        while True:
            came, batch = ask()
            if came or time.monotonic() >= end:
                return came, batch


class _Flag:
    """An event that no process waits for, and that needs no lock, as `multiprocessing.Event` does.

    A process that is killed while it asks an event takes the event's lock with it: whoever asks next waits for ever.
    """

    def __init__(self, context: Any) -> None:
        self._raised = context.RawValue("b", 0)

    def is_set(self) -> bool:
        """Return whether it was set."""
        return bool(self._raised.value)

    def set(self) -> None:
        """Set it."""
        self._raised.value = 1


def _without_locks() -> BaseContext:
    """Return how the loader's processes start, and tell each other to stop: as they would, but by a `_Flag`."""
    context = copy(multiprocessing.get_context(multiprocessing.get_start_method()))
    context.Event = lambda: _Flag(context)  # type: ignore[method-assign,assignment,return-value]
    return context


def _child_handler() -> Any:
    """Return what this process does when a child of its ends, where that can be set back."""
    settable = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
    return signal.getsignal(signal.SIGCHLD) if settable else None


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
