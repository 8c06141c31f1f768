"""Batches in a fixed order, from any step on, whatever the number of workers."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import count, islice
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from i2i.contracts import Batch
from i2i.data.jitter import Jitter
from i2i.data.order import keyed, order, visits
from i2i.data.tensors import to_tensor
from i2i.errors import DataError, I2iError, ResourceError
from i2i.pairs import Block, NotedDataset, Pair, PairDataset, PairStream
from i2i.system.faults import fault
from i2i.system.pool import MAX_SECONDS

LATE = "DataLoader timed out"
"""How PyTorch begins to say that a batch has not come."""

GRACE = 1
"""Seconds in which the system says that a process is gone, of which something half sent has come."""


class Key(NamedTuple):
    """Which pair, on which visit."""

    epoch: int
    pair: int


class Sample(NamedTuple):
    """One pair as the networks see it, (C, H, W) each."""

    source: Tensor
    target: Tensor
    name: str
    notes: tuple[str, ...]
    """What had to be done to its images."""


class Loaded(NamedTuple):
    """A batch, the names of its pairs, and what had to be done to which of them."""

    batch: Batch
    names: list[str]
    notes: list[tuple[str, str]]


class JitteredPairs(Dataset[Any]):
    """Pairs as training sees them: a pure function of the seed and the key.

    Args:
        pairs: Where they come from.
        jitter: What is done to them.
        seed: The run's seed.
    """

    def __init__(self, pairs: PairDataset, jitter: Jitter, seed: int) -> None:
        self.pairs, self.jitter, self.seed = pairs, jitter, seed

    def __getitem__(self, key: Key) -> Sample | I2iError:
        name = self.pairs.names[key.pair]
        try:
            pair, notes = self._read(key.pair)
            pair = self.jitter.train(pair, keyed(self.seed, key.epoch, key.pair), name)
        except I2iError as error:
            return error  # raised in a worker it would reach the user as a traceback
        except MemoryError:
            return ResourceError(f"Not enough memory to read {name!r}. Lower data.workers, or make it smaller.")
        except Exception as error:
            if (named := fault(error)) is None:
                raise
            return named
        return Sample(to_tensor(pair.source), to_tensor(pair.target), name, notes)

    def _read(self, index: int) -> tuple[Pair, tuple[str, ...]]:
        return self.pairs.read_noted(index) if isinstance(self.pairs, NotedDataset) else (self.pairs[index], ())


class KeyedBatches(Sampler[list[Key]]):
    """Keys of every batch from one step to another; the last batch of an epoch may be smaller.

    Args:
        seed: The run's seed.
        length: Pairs in the set.
        batch_size: Pairs in a batch.
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
            keys = (Key(epoch, pair) for pair in self._order(epoch, position * self.batch_size))
            while batch := list(islice(keys, self.batch_size)):
                yield batch
            position = 0

    def _order(self, epoch: int, start: int) -> Iterable[int]:
        if self.blocks:
            return visits(self.seed, epoch, self.blocks, start)
        return order(self.seed, epoch, self.length)[start:]


def steps_per_epoch(length: int, batch_size: int) -> int:
    """Return how many batches visit every pair once."""
    return -(-length // batch_size)


class Loader:
    """Iterates over the batches from ``start`` to ``stop``; close it, so that no worker outlives the run.

    Args:
        pairs: What to read.
        jitter: What to do to each pair.
        seed: The run's seed.
        batch_size: Pairs in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        workers: Processes that read; 0 reads in this one.
    """

    def __init__(
        self, pairs: PairDataset, jitter: Jitter, *, seed: int, batch_size: int, start: int, stop: int, workers: int
    ) -> None:
        blocks = pairs.blocks if isinstance(pairs, PairStream) else ()
        self._keys = KeyedBatches(seed, len(pairs), batch_size, start, stop, blocks)
        self._names = pairs.names
        loader = DataLoader(
            JitteredPairs(pairs, jitter, seed),
            batch_sampler=self._keys,
            num_workers=workers,
            collate_fn=_collate,
            worker_init_fn=_start_worker,
            multiprocessing_context=_without_locks() if workers else None,
            timeout=MAX_SECONDS * batch_size if workers else 0,
            generator=torch.Generator(),  # else the loader draws from the generator that dropout uses
        )
        others, handler = set(multiprocessing.active_children()), _child_handler()
        self._batches: Iterator[Loaded | I2iError] | None = iter(loader)
        self._workers = [child for child in multiprocessing.active_children() if child not in others]
        if handler is not None:
            # the loader's own would raise at any instant, in the midst of a step or of a checkpoint
            signal.signal(signal.SIGCHLD, handler)

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

    def _lateness(self) -> DataError:
        """Stop the workers, and say which images take for ever."""
        batch = next(iter(self._keys))
        self.close()
        names = ", ".join(repr(self._names[key.pair]) for key in batch)
        return DataError(f"Reading takes more than {MAX_SECONDS:g} seconds an image: {names}. Remove what hangs.")

    def _death_of(self, dead: BaseProcess) -> ResourceError:
        """Stop the other workers, and say what happened where."""
        dead.join()
        self.close()
        code = dead.exitcode or 0
        by = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended by code {code}"
        name = self._names[next(iter(self._keys))[0].pair]
        return ResourceError(
            f"A process that reads images was {by}, at {name!r} or soon after it. "
            f"If memory is short, lower data.workers (now {len(self._workers)})."
        )


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
    first = whole[0]
    for sample in whole:
        if (sample.source.shape, sample.target.shape) != (first.source.shape, first.target.shape):
            shapes = " and ".join(f"{s.name} ({_shape(s.source)} -> {_shape(s.target)})" for s in (first, sample))
            return DataError(f"{shapes} differ (channels x height x width). A batch needs equal shapes.")
    batch = Batch(torch.stack([s.source for s in whole]), torch.stack([s.target for s in whole]))
    return Loaded(batch, [s.name for s in whole], [(s.name, note) for s in whole for note in s.notes])


def _shape(image: Tensor) -> str:
    return "x".join(map(str, image.shape))
