"""A set that rests on the device, each item read once: what the jitter draws is done there."""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from i2i.data.items import Items, Sample, read
from i2i.data.jitter import Window
from i2i.data.loading import Key, KeyedBatches, Loaded, Loader, stacked
from i2i.data.order import keyed
from i2i.data.tensors import at_rest, waken
from i2i.errors import ResourceError, UsageError
from i2i.pairs import DrawnDataset, PairStream, by_name
from i2i.system.devices import free_memory

SHARE = 4
"""A set is kept on a device unasked where it takes no more than one part in so many of the memory that is free."""


class Resting(Items):
    """Items as they rest on a device: resized, but nothing drawn yet."""

    def train(self, epoch: int, index: int) -> Sample:
        """Read an item; fields are as `i2i.data.tensors.at_rest` has them.

        Raises:
            DataError: As for `Items.train`.
        """
        name = self.dataset.names[index]
        item, notes = read(self.dataset, index, keyed(self.seed, epoch, index, "item"))
        values = self.jitter.resting(self._checked(by_name(item), name), self.fields, name)
        return Sample({field: at_rest(values[field], each) for field, each in self.fields.items()}, name, notes)


class ResidentLoader:
    """Iterates over the batches that `Loader` yields, to the bit, on the device; items are read at their first visit.

    Args:
        items: What to read, and what to do to it; the same in every epoch but for its jitter.
        device: Where they rest, 8 bits a value where they are stored so.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        workers: Processes that read; 0 reads in this one.
        channels_last: Whether the channels of images come last in memory.
    """

    def __init__(
        self,
        items: Items,
        device: torch.device,
        *,
        batch_size: int,
        start: int,
        stop: int,
        workers: int,
        channels_last: bool = False,
    ) -> None:
        self._items, self._device = items, device
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._keys = iter(KeyedBatches(items.seed, len(items), batch_size, start, stop))
        resting = Resting(items.dataset, items.fields, items.jitter, items.seed)
        self._visits = Loader(resting, batch_size=batch_size, start=start, stop=stop, workers=workers, once=True)
        self._held: dict[int, Sample] = {}

    def __iter__(self) -> Iterator[Loaded]:
        return self

    def __next__(self) -> Loaded:
        """Return the next batch.

        Raises:
            I2iError: As for `Loader`.
        """
        keys = next(self._keys)
        for key in keys:
            if key.item not in self._held:
                self._held[key.item] = self._visit()
        if len(self._held) == len(self._items):
            self._visits.close()
        return self._jittered(keys)

    def close(self) -> None:
        """Stop the workers, and forget what was read."""
        self._visits.close()
        self._held.clear()

    def _visit(self) -> Sample:
        """Read the next item that was not seen before, and move it to the device."""
        visit = next(self._visits)
        fields = {name: values[0].to(self._device) for name, values in visit.batch.items()}
        return Sample(fields, visit.names[0], tuple(note for _, note in visit.notes))

    def _jittered(self, keys: Sequence[Key]) -> Loaded:
        """Jitter and lay together the items of a batch."""
        samples = [self._sample(key) for key in keys]
        if self._mixed(samples):
            awake = [{name: self._awake(v[None], name)[0] for name, v in s.fields.items()} for s in samples]
            batch = stacked([s._replace(fields=fields) for s, fields in zip(samples, awake, strict=True)])
        else:
            batch = {name: self._awake(values, name) for name, values in stacked(samples).items()}
        formed = {name: v.contiguous(memory_format=self._format) if v.ndim == 4 else v for name, v in batch.items()}
        return Loaded(formed, [s.name for s in samples], [(s.name, note) for s in samples for note in s.notes])

    def _awake(self, rested: Tensor, name: str) -> Tensor:
        return waken(rested, self._items.fields[name])

    def _mixed(self, samples: Sequence[Sample]) -> bool:
        """Return whether some are stored with more bits than others."""
        return any(len({sample.fields[name].dtype for sample in samples}) > 1 for name in self._items.fields)

    def _sample(self, key: Key) -> Sample:
        held, windows = self._held[key.item], dict[str, Window]()
        draws, jitter = self._items.draws(key.epoch, key.item), self._items.jitter
        seen = dict(held.fields)
        for name, field in self._items.fields.items():
            if field.kind != "vector":
                values = held.fields[name]
                if field.group not in windows:
                    windows[field.group] = jitter.window((values.shape[0], values.shape[1]), draws, field.group)
                seen[name] = _cut(values, windows[field.group])
        return held._replace(fields=seen)


def _cut(values: Tensor, window: Window) -> Tensor:
    cut = values[window.rows, window.columns]
    return torch.rot90(cut.flip(1) if window.mirrored else cut, window.turns)


def rests(items: Items, device: torch.device, cache: Literal["auto", "none", "device"]) -> bool:
    """Return whether a set is kept on the device: by ``auto`` on a GPU, where its items are ever the same and it fits.

    Args:
        items: The training split.
        device: What trains.
        cache: What ``data.cache`` says.

    Raises:
        UsageError: If it is to be kept, and its items differ from epoch to epoch.
        ResourceError: If it is to be kept, and does not fit.
    """
    if cache == "none" or (cache == "auto" and device.type == "cpu"):
        return False
    lack = _why_not(items)
    if lack and cache == "device":
        raise UsageError(f"data.cache is device, and {lack}. Say data.cache=none.")
    if lack:
        return False
    needed, free = resting_bytes(items), free_memory(device)
    if cache == "device" and free is not None and needed > free:
        raise ResourceError(
            f"data.cache is device: the set takes {_gigabytes(needed)}, and {_gigabytes(free)} are free on {device}. "
            "Say data.cache=none, or lower data.resize and data.crop."
        )
    return cache == "device" or (free is not None and SHARE * needed <= free)


def resting_bytes(items: Items) -> int:
    """Return how much memory a set takes as it rests; of sizes that are kept, as if all were the first one's."""
    first = Resting(items.dataset, items.fields, items.jitter, items.seed).train(0, 0)
    return len(items) * sum(values.nbytes for values in first.fields.values())


def _why_not(items: Items) -> str:
    """Say why a set cannot be kept; nothing if it can."""
    dataset = items.dataset
    if moving := items.jitter.moving:
        return f"{moving} changes images where they are read"
    if isinstance(dataset, DrawnDataset):
        return "the items of this set differ from epoch to epoch"
    return "this set is read in blocks" if isinstance(dataset, PairStream) and dataset.blocks else ""


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
