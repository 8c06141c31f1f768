"""Batches by keys: which items, in a fixed order from any step on, and how they are read and stacked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count, islice, product
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.utils.data import Sampler

from i2i.data.items import Items, Sample
from i2i.data.order import order, visits
from i2i.data.tensors import Room, stacked
from i2i.errors import DataError, I2iError, ResourceError
from i2i.pairs import Block, PairStream, Pixels
from i2i.system.faults import fault
from i2i.system.rank import ALONE, Rank


class Key(NamedTuple):
    """Which item, on which visit."""

    epoch: int
    item: int


class Stacked(NamedTuple):
    """A batch with values as they were stored, the names of its items, and what had to be done to which of them."""

    fields: dict[str, Pixels]
    """By name; see `i2i.data.tensors.stacked`."""
    names: list[str]
    notes: list[tuple[str, str]]


class KeyedBatches(Sampler[list[Key]]):
    """Keys of every batch from one step to another; the last batch of an epoch may be smaller.

    Args:
        seed: The run's seed.
        length: Items in the set.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        blocks: Of a set that is read in blocks; see `i2i.data.order`.
        rank: Which of several processes this is: each takes every so manieth key of a batch, and the first one where
            there is none for it.
    """

    def __init__(
        self,
        seed: int,
        length: int,
        batch_size: int,
        start: int,
        stop: int,
        blocks: Sequence[Block] = (),
        rank: Rank = ALONE,
    ) -> None:
        self.seed, self.length, self.batch_size, self.start, self.stop = seed, length, batch_size, start, stop
        self.blocks, self.rank = blocks, rank

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
                yield batch[self.rank.number :: self.rank.count] or batch[:1]
            position = 0

    def _order(self, epoch: int, start: int) -> Iterable[int]:
        if self.blocks:
            return visits(self.seed, epoch, self.blocks, start)
        return order(self.seed, epoch, self.length)[start:]


def steps_per_epoch(length: int, batch_size: int) -> int:
    """Return how many batches visit every item once."""
    return -(-length // batch_size)


class FirstVisits(KeyedBatches):
    """Keys at which items come for the first time, one a batch; what there is to a `KeyedBatches` besides.

    Args:
        keys: All keys.
    """

    def __init__(self, keys: KeyedBatches) -> None:
        super().__init__(keys.seed, keys.length, 1, 0, keys.length, keys.blocks)
        self._keys = keys

    def _batches(self) -> Iterator[list[Key]]:
        seen = set[int]()
        for key in chain.from_iterable(self._keys):
            if key.item not in seen:
                seen.add(key.item)
                if len(seen) > self.start:
                    yield [key]
            if len(seen) == self.length:
                return


class Reader:
    """Reads batches in this process, as an iterator of what it reads; close it in the end.

    Args:
        items: What to read, and what to do to it.
        keys: Which of them, in which batches.
    """

    def __init__(self, items: Items, keys: KeyedBatches) -> None:
        self._batches = (read_batch(items, each) for each in keys)

    def __iter__(self) -> Iterator[Stacked]:
        return self

    def __next__(self) -> Stacked:
        """Return the next batch, whose arrays may be good only until the one after it is asked for.

        Raises:
            I2iError: If an image cannot be read.
        """
        stacked = next(self._batches)
        if isinstance(stacked, I2iError):
            raise stacked
        return stacked

    def close(self) -> None:
        """Read no more."""
        self._batches.close()


def keys_of(items: Items, batch_size: int, start: int, stop: int, rank: Rank = ALONE) -> KeyedBatches:
    """Return the keys of the batches of a training from one step to another, of one process."""
    dataset = items.dataset
    blocks = dataset.blocks if isinstance(dataset, PairStream) else ()
    return KeyedBatches(items.seed, len(items), batch_size, start, stop, blocks, rank)


def read_batch(items: Items, keys: Sequence[Key], room: Room = np.empty) -> Stacked | I2iError:
    """Read the items of a batch, with errors as values: raised in another process, one would come as a traceback.

    Args:
        items: What to read, and what to do to it.
        keys: Which of them.
        room: Makes the arrays; see `i2i.data.tensors.stacked`.
    """
    samples = list[Sample]()
    for key in keys:
        try:
            samples.append(items.train(key.epoch, key.item))
        except I2iError as error:
            return error
        except MemoryError:
            name = items.dataset.names[key.item]
            return ResourceError(f"Not enough memory to read {name!r}. Lower data.workers, or make it smaller.")
        except Exception as error:
            if (named := fault(error)) is None:
                raise
            return named
    return _stacked(samples, items, room)


def _stacked(samples: Sequence[Sample], items: Items, room: Room) -> Stacked | I2iError:
    try:
        check_alike([(sample.name, sample.fields) for sample in samples])
    except DataError as error:
        return error
    fields = {
        name: stacked([sample.fields[name] for sample in samples], field, room) for name, field in items.fields.items()
    }
    return Stacked(fields, [s.name for s in samples], [(s.name, note) for s in samples for note in s.notes])


def check_alike(items: Sequence[tuple[str, Mapping[str, Pixels | Tensor]]]) -> None:
    """Refuse items, with their names, that cannot be one batch.

    Raises:
        DataError: If they differ in shape.
    """
    name, first = items[0]
    for (other, fields), (field, values) in product(items, first.items()):
        if fields[field].shape != values.shape:
            shapes = " and ".join(f"{who} ({_shapes(what)})" for who, what in ((name, first), (other, fields)))
            raise DataError(f"{shapes} differ in shape. A batch needs equal shapes. Set data.resize.")


def _shapes(fields: Mapping[str, Pixels | Tensor]) -> str:
    return ", ".join(f"{field} {'x'.join(map(str, values.shape))}" for field, values in fields.items())
