"""Batches in a fixed order, from any step on, whatever the number of workers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from i2i.contracts import Batch
from i2i.data.jitter import Jitter
from i2i.data.order import keyed, order, visits
from i2i.data.tensors import to_tensor
from i2i.data.workers import Reader, WorkerDeathError
from i2i.errors import DataError, I2iError
from i2i.pairs import Block, PairDataset, PairStream

DEATHS = 3
"""Processes that may die before a batch is given up. The last one reads it alone: when several batches are under way,
nobody knows over which of them a process died."""


class Key(NamedTuple):
    """Which pair, on which visit."""

    epoch: int
    pair: int


class Sample(NamedTuple):
    """One pair as the networks see it, (C, H, W) each, and its name."""

    source: Tensor
    target: Tensor
    name: str


class Loaded(NamedTuple):
    """A batch and the names of its pairs."""

    batch: Batch
    names: list[str]


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
            pair = self.jitter.train(self.pairs[key.pair], keyed(self.seed, key.epoch, key.pair), name)
        except I2iError as error:
            return error  # raised in a worker it would reach the user as a traceback
        return Sample(to_tensor(pair.source), to_tensor(pair.target), name)


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
        """Those of all epochs from ``start`` on, without end."""
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
    """Batches that visit every pair once."""
    return -(-length // batch_size)


class Loader:
    """Iterates over the batches from ``start`` to ``stop``; close it, so that no worker outlives the run.

    A process that is killed, as when memory is short, is replaced, and the batches are the same.

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
        self._pairs = JitteredPairs(pairs, jitter, seed)
        blocks = pairs.blocks if isinstance(pairs, PairStream) else ()
        self._batches = KeyedBatches(seed, len(pairs), batch_size, start, stop, blocks)
        self._workers = workers
        self._deaths = 0
        self._reader: Reader | None = None

    def __iter__(self) -> Iterator[Loaded]:
        return self

    def __next__(self) -> Loaded:
        """The next batch.

        Raises:
            I2iError: If an image cannot be read, or reading it kills processes.
        """
        while True:
            alone = self._deaths == DEATHS - 1
            if self._reader is None:
                self._reader = self._alone(next(iter(self._batches))) if alone else self._from_here()
            try:
                loaded: Loaded | I2iError = next(self._reader)
            except WorkerDeathError as error:
                self.close()
                if alone:
                    raise self._refusal() from error
                self._deaths += 1
            else:
                break
        if alone:
            self.close()
        if isinstance(loaded, I2iError):
            raise loaded
        self._batches.start, self._deaths = self._batches.start + 1, 0
        return loaded

    def close(self) -> None:
        """Stop the workers now: at exit the interpreter would wait for ones that ignore signals."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _from_here(self) -> Reader:
        return Reader(self._pairs, self._batches, _collate, self._workers)

    def _alone(self, batch: list[Key]) -> Reader:
        return Reader(self._pairs, [batch], _collate, workers=1)

    def _refusal(self) -> DataError:
        """What to say of the batch that kills every process: the pair that does so alone, if one does."""
        batch = next(iter(self._batches))
        guilty = [key for key in batch if self._kills(key)]
        names = " and ".join(repr(self._pairs.pairs.names[key.pair]) for key in guilty or batch)
        remedy = "Remove what cannot be read" if guilty else "If memory is short, lower training.batch_size"
        return DataError(f"Reading {names} kills every process that does it ({DEATHS} so far). {remedy}.")

    def _kills(self, key: Key) -> bool:
        reader = self._alone([key])
        try:
            next(reader)
        except WorkerDeathError:
            return True
        finally:
            reader.close()
        return False


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
    return Loaded(batch, [s.name for s in whole])


def _shape(image: Tensor) -> str:
    return "x".join(map(str, image.shape))
