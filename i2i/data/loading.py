"""Batches in a fixed order, from any step on, whatever the number of workers."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import chain, count, islice, product
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple
from weakref import WeakMethod

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from i2i.data.items import Items, Sample
from i2i.data.order import order, visits
from i2i.errors import DataError, I2iError, ResourceError, UsageError
from i2i.pairs import Block, PairStream
from i2i.system.faults import fault
from i2i.system.pool import GUARD, MAX_SECONDS

LATE = "DataLoader timed out"
"""How PyTorch begins to say that a batch has not come."""

GRACE = 1
"""Seconds in which the system says that a process is gone, of which something half sent has come."""


class Key(NamedTuple):
    """Which item, on which visit."""

    epoch: int
    item: int


class Loaded(NamedTuple):
    """A batch, the names of its items, and what had to be done to which of them."""

    batch: dict[str, Tensor]
    """Fields by name: images (N, C, H, W), ids (N, H, W), vectors (N, C)."""
    names: list[str]
    notes: list[tuple[str, str]]


class TrainingItems(TorchDataset[Any]):
    """Items by key, with errors as values: raised in a worker, one would reach the user as a traceback."""

    def __init__(self, items: Items) -> None:
        self.items = items

    def __getitem__(self, key: Key) -> Sample | I2iError:
        try:
            return self.items.train(key.epoch, key.item)
        except I2iError as error:
            return error
        except MemoryError:
            name = self.items.dataset.names[key.item]
            return ResourceError(f"Not enough memory to read {name!r}. Lower data.workers, or make it smaller.")
        except Exception as error:
            if (named := fault(error)) is None:
                raise
            return named


class KeyedBatches(Sampler[list[Key]]):
    """Keys of every batch from one step to another; the last batch of an epoch may be smaller.

    Args:
        seed: The run's seed.
        length: Items in the set.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        blocks: Of a set that is read in blocks; see `i2i.data.order`.
    """

    def __init__(
        self, seed: int, length: int, batch_size: int, start: int, stop: int, blocks: Sequence[Block] = ()
    ) -> None:
        self.seed, self.length, self.batch_size, self.start, self.stop = seed, length, batch_size, start, stop
        self.blocks = blocks

    def __iter__(self) -> Iterator[list[Key]]:
        return islice(self._batches(), len(self))

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def _batches(self) -> Iterator[list[Key]]:
        """Yield those of all epochs from ``start`` on, without end."""
        first, position = divmod(self.start, steps_per_epoch(self.length, self.batch_size))
        for epoch in count(first):
            keys = (Key(epoch, item) for item in self._order(epoch, position * self.batch_size))
            while batch := list(islice(keys, self.batch_size)):
                yield batch
            position = 0

    def _order(self, epoch: int, start: int) -> Iterable[int]:
        if self.blocks:
            return visits(self.seed, epoch, self.blocks, start)
        return order(self.seed, epoch, self.length)[start:]


class FirstVisits(Sampler[list[Key]]):
    """Keys at which items come for the first time, one a batch.

    Args:
        keys: All keys.
    """

    def __init__(self, keys: KeyedBatches) -> None:
        self.keys, self.start = keys, 0

    def __iter__(self) -> Iterator[list[Key]]:
        return islice(self._visits(), self.start, None)

    def _visits(self) -> Iterator[list[Key]]:
        seen = set[int]()
        for key in chain.from_iterable(self.keys):
            if key.item not in seen:
                seen.add(key.item)
                yield [key]
            if len(seen) == self.keys.length:
                return


def steps_per_epoch(length: int, batch_size: int) -> int:
    """Return how many batches visit every item once."""
    return -(-length // batch_size)


class Loader:
    """Iterates over the batches from ``start`` to ``stop``; close it, so that no worker outlives the run.

    Args:
        items: What to read, and what to do to it.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        workers: Processes that read; 0 reads in this one.
        once: Whether each item is wanted at its first visit alone, as a batch of its own.
    """

    def __init__(
        self, items: Items, *, batch_size: int, start: int, stop: int, workers: int, once: bool = False
    ) -> None:
        dataset = items.dataset
        blocks = dataset.blocks if isinstance(dataset, PairStream) else ()
        keys = KeyedBatches(items.seed, len(dataset), batch_size, start, stop, blocks)
        self._keys = FirstVisits(keys) if once else keys
        self._names = dataset.names
        loader = DataLoader(
            TrainingItems(items),
            batch_sampler=self._keys,
            num_workers=workers,
            collate_fn=_collate,
            worker_init_fn=_start_worker,
            multiprocessing_context=_without_locks() if workers else None,
            timeout=MAX_SECONDS * batch_size if workers else 0,
            generator=torch.Generator(),  # else the loader draws from the generator that dropout uses
        )
        others, handler = set(multiprocessing.active_children()), _child_handler()
        batches: Any = iter(loader)
        if workers:
            batches._try_get_data = _Asking(batches._try_get_data)
        self._batches: Iterator[Loaded | I2iError] | None = batches
        self._workers = [child for child in multiprocessing.active_children() if child not in others]
        if handler is not None:
            # the loader's own would raise at any instant, in the midst of a step or of a checkpoint
            signal.signal(signal.SIGCHLD, handler)
        if self._workers and multiprocessing.get_start_method() != "fork":
            self._check_started()

    def __iter__(self) -> Iterator[Loaded]:
        return self

    def __next__(self) -> Loaded:
        """Return the next batch.

        Raises:
            I2iError: If an image cannot be read, or takes too long.
            ResourceError: If a process that reads was killed.
        """
        if self._batches is None:
            raise StopIteration
        try:
            loaded = next(self._batches)
        except (RuntimeError, OSError, EOFError) as error:  # what a dead process has half sent fails in many ways
            if str(error).startswith(LATE):
                raise self._lateness() from error
            gone = wait([worker.sentinel for worker in self._workers], timeout=GRACE)
            if not gone:
                raise
            dead = next(worker for worker in self._workers if worker.sentinel in gone)
            raise self._death_of(dead) from error
        if isinstance(loaded, I2iError):
            raise loaded
        self._keys.start += 1
        return loaded

    def close(self) -> None:
        """Stop the workers now: at exit the interpreter would wait for ones that ignore signals."""
        self._batches = None
        for worker in self._workers:
            worker.kill()
            worker.join()

    def _check_started(self) -> None:
        """Wait for the first batch, or for a process that ends before: the script that it imports starts it anew.

        Raises:
            UsageError: If one has ended.
        """
        first = self._batches._worker_result_queue._reader  # type: ignore[union-attr]
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


def _collate(samples: list[Sample | I2iError]) -> Loaded | I2iError:
    whole = []
    for sample in samples:
        if isinstance(sample, I2iError):
            return sample
        whole.append(sample)
    try:
        batch = stacked(whole)
    except DataError as error:
        return error
    return Loaded(batch, [s.name for s in whole], [(s.name, note) for s in whole for note in s.notes])


def stacked(samples: Sequence[Sample]) -> dict[str, Tensor]:
    """Lay samples over each other, field by field.

    Raises:
        DataError: If they differ in shape.
    """
    first = samples[0]
    for sample, (field, values) in product(samples, first.fields.items()):
        if sample.fields[field].shape != values.shape:
            shapes = " and ".join(f"{s.name} ({_shapes(s)})" for s in (first, sample))
            raise DataError(f"{shapes} differ (channels x height x width). A batch needs equal shapes.")
    return {field: torch.stack([sample.fields[field] for sample in samples]) for field in first.fields}


def _shapes(sample: Sample) -> str:
    return ", ".join(f"{field} {'x'.join(map(str, values.shape))}" for field, values in sample.fields.items())
