"""Batches in a fixed order, from any step on, whatever the number of workers."""

import signal
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from i2i.contracts import Batch
from i2i.data.jitter import Jitter
from i2i.data.keyed import keyed, order
from i2i.data.tensors import to_tensor
from i2i.errors import DataError, I2iError
from i2i.pairs import PairDataset


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
    """

    def __init__(self, seed: int, length: int, batch_size: int, start: int, stop: int) -> None:
        self.seed, self.length, self.batch_size, self.start, self.stop = seed, length, batch_size, start, stop

    def __iter__(self) -> Iterator[list[Key]]:
        per_epoch = steps_per_epoch(self.length, self.batch_size)
        visited, indices = -1, list[int]()
        for step in range(self.start, self.stop):
            epoch, position = divmod(step, per_epoch)
            if epoch != visited:
                visited, indices = epoch, order(self.seed, epoch, self.length)
            first = position * self.batch_size
            yield [Key(epoch, index) for index in indices[first : first + self.batch_size]]

    def __len__(self) -> int:
        return max(0, self.stop - self.start)


def steps_per_epoch(length: int, batch_size: int) -> int:
    """Batches that visit every pair once."""
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
        self._loader = DataLoader(
            JitteredPairs(pairs, jitter, seed),
            batch_sampler=KeyedBatches(seed, len(pairs), batch_size, start, stop),
            num_workers=workers,
            collate_fn=_collate,
            worker_init_fn=_quiet_worker,
            generator=torch.Generator(),  # else the loader draws from the generator that dropout uses
        )
        self._batches: Any = None

    def __iter__(self) -> Iterator[Loaded]:
        self._batches = iter(self._loader)
        return self

    def __next__(self) -> Loaded:
        try:
            loaded: Loaded | I2iError = next(self._batches)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise DataError("A process that reads images died, perhaps for memory. Lower data.workers.") from error
        if isinstance(loaded, I2iError):
            raise loaded
        return loaded

    def close(self) -> None:
        """Stop the workers now: at exit the interpreter would wait for ones that ignore signals."""
        self._batches = None


def _quiet_worker(_: int) -> None:
    # a signal to the whole group must leave the workers alive until the checkpoint is written
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)


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
