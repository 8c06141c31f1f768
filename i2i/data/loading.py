"""What a training reads: batches as networks see them, from any step on, whatever the number of workers."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from i2i.compute.gpu import sent
from i2i.data.batches import keys_of
from i2i.data.items import Items
from i2i.data.readers import reading
from i2i.data.tensors import seen
from i2i.system.rank import ALONE, Rank

CPU = torch.device("cpu")


class Loaded(NamedTuple):
    """A batch, the names of its items, and what had to be done to which of them."""

    batch: dict[str, Tensor]
    """Fields by name: images (N, C, H, W), ids (N, H, W), vectors (N, C)."""
    names: list[str]
    notes: list[tuple[str, str]]


class Loader:
    """Iterates over the batches from ``start`` to ``stop``; close it, so that no worker outlives the run.

    Args:
        items: What to read, and what to do to it.
        device: Where batches go. They get there as they are stored, which for most is a quarter of the bytes.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        workers: Processes that read; 0 reads in this one.
        rank: Which of several processes this is, each of which reads its items of every batch.
    """

    def __init__(
        self,
        items: Items,
        device: torch.device = CPU,
        *,
        batch_size: int,
        start: int,
        stop: int,
        workers: int,
        rank: Rank = ALONE,
    ) -> None:
        self._fields, self._device = items.fields, device
        self._reader = reading(items, keys_of(items, batch_size, start, stop, rank), workers)

    def __iter__(self) -> Iterator[Loaded]:
        return self

    def __next__(self) -> Loaded:
        """Return the next batch.

        Raises:
            I2iError: If an image cannot be read, or takes too long.
            ResourceError: If a process that reads was killed.
        """
        stacked = next(self._reader)
        stored = sent({name: torch.from_numpy(values) for name, values in stacked.fields.items()}, self._device)
        batch = {name: seen(values, self._fields[name]) for name, values in stored.items()}
        return Loaded(batch, stacked.names, stacked.notes)

    def close(self) -> None:
        """Stop the workers."""
        self._reader.close()
