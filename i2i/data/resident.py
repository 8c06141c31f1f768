"""A set that rests in memory, each item read once: what the jitter draws is done where it rests."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from i2i.compute.gpu import sent
from i2i.data.batches import FirstVisits, Key, check_alike, keys_of
from i2i.data.items import Items, Sample
from i2i.data.jitter import Window
from i2i.data.loading import CPU, Loaded
from i2i.data.readers import reading
from i2i.data.tensors import seen, stacked
from i2i.errors import ResourceError, UsageError
from i2i.pairs import DrawnDataset
from i2i.system.devices import amount, free_memory
from i2i.system.rank import ALONE, Rank

SHARE = 4
"""A set is kept unasked where it takes no more than one part in so many of the memory that is free."""


class Resting(Items):
    """Items as they rest: resized, but nothing drawn yet."""

    def train(self, epoch: int, index: int) -> Sample:
        """Read an item.

        Raises:
            DataError: As for `Items.train`.
        """
        name, item, notes = self.read(index, self.draws(epoch, index))
        return Sample(self.jitter.resting(item, self.fields, name), name, notes)

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of most, where they are known."""
        return self.jitter.resize or self.jitter.crop


class Rested(NamedTuple):
    """An item as it rests."""

    fields: dict[str, Tensor]
    """As `i2i.data.tensors.stacked` makes them, without the first axis."""
    name: str
    notes: tuple[str, ...]


class ResidentLoader:
    """Iterates over the batches that `Loader` yields, to the bit; items are read at their first visit.

    Args:
        items: What to read, and what to do to it; the same in every epoch but for its jitter.
        device: Where batches go.
        place: Where items rest, as they are stored; on the device when not given.
        batch_size: Items in a batch.
        start: Steps that are already done.
        stop: Steps of the whole run.
        workers: Processes that read; 0 reads in this one.
        channels_last: Whether the channels of images come last in memory.
        rank: As for `Loader`.
    """

    def __init__(
        self,
        items: Items,
        device: torch.device,
        *,
        place: torch.device | None = None,
        batch_size: int,
        start: int,
        stop: int,
        workers: int,
        channels_last: bool = False,
        rank: Rank = ALONE,
    ) -> None:
        self._items, self._device, self._place = items, device, place or device
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        keys = keys_of(items, batch_size, start, stop, rank)
        resting = Resting(items.dataset, items.fields, items.jitter, items.seed)
        self._keys, self._visits = iter(keys), reading(resting, FirstVisits(keys), workers)
        self._held: dict[int, Rested] = {}

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

    def _visit(self) -> Rested:
        """Read the next item that was not seen before, and move it to where it rests."""
        visit = next(self._visits)
        fields = {name: torch.tensor(values[0], device=self._place) for name, values in visit.fields.items()}
        return Rested(fields, visit.names[0], tuple(note for _, note in visit.notes))

    def _jittered(self, keys: Sequence[Key]) -> Loaded:
        """Jitter and lay together the items of a batch."""
        items = [self._drawn(key) for key in keys]
        check_alike([(item.name, item.fields) for item in items])
        batch = {name: self._batch([item.fields[name] for item in items], name) for name in self._items.fields}
        return Loaded(
            batch, [item.name for item in items], [(item.name, note) for item in items for note in item.notes]
        )

    def _batch(self, stored: Sequence[Tensor], name: str) -> Tensor:
        """Stack a field of items as networks see it."""
        field = self._items.fields[name]
        if len({values.dtype for values in stored}) == 1:
            batch = seen(sent({name: torch.stack(list(stored))}, self._device)[name], field)
        else:  # some are stored with more bits than others
            batch = torch.cat([seen(values[None].to(self._device), field) for values in stored])
        return batch.contiguous(memory_format=self._format) if batch.ndim == 4 else batch

    def _drawn(self, key: Key) -> Rested:
        held, windows = self._held[key.item], dict[str, Window]()
        draws, jitter = self._items.draws(key.epoch, key.item), self._items.jitter
        drawn = dict(held.fields)
        for name, field in self._items.fields.items():
            if field.kind != "vector":
                planes = held.fields[name]
                if field.group not in windows:
                    windows[field.group] = jitter.window((planes.shape[-2], planes.shape[-1]), draws, field.group)
                drawn[name] = windows[field.group].of_planes(planes)
        return held._replace(fields=drawn)


class Rest(NamedTuple):
    """Where a set rests."""

    on: torch.device | None
    """None where each item is read anew in every epoch."""
    said: str
    """That in words."""


def resting_place(items: Items, device: torch.device, cache: Literal["auto", "none", "memory", "device"]) -> Rest:
    """Decide where a set is kept once it was read.

    By ``auto`` it is kept where its items are ever the same and it takes at most a part in `SHARE` of what is free: on
    the device, else in main memory, else nowhere.

    Args:
        items: The training split.
        device: What trains.
        cache: What ``data.cache`` says.

    Raises:
        UsageError: If it is to be kept, and its items differ from epoch to epoch.
        ResourceError: If it is to be kept, and does not fit.
    """
    if cache == "none":
        return Rest(None, "none")
    if lack := _why_not(items):
        if cache == "auto":
            return Rest(None, f"none, since {lack}")
        raise UsageError(f"data.cache is {cache}, and {lack}. Say data.cache=none.")
    needed = resting_bytes(items)
    if cache == "auto":
        return _found(needed, dict.fromkeys([device, CPU]))
    place = device if cache == "device" else CPU
    free = free_memory(place)
    if free is not None and needed > free:
        raise ResourceError(
            f"data.cache is {cache}: the set takes {amount(needed)}, and {amount(free)} are free on {place}. "
            "Say data.cache=none, or lower data.resize and data.crop."
        )
    return _rest(place, needed)


def resting_bytes(items: Items) -> int:
    """Return how much memory a set takes as it rests; of sizes that are kept, as if all were the first one's."""
    first = Resting(items.dataset, items.fields, items.jitter, items.seed).train(0, 0)
    return len(items) * sum(stacked([first.fields[name]], field).nbytes for name, field in items.fields.items())


def _why_not(items: Items) -> str:
    """Say why a set cannot be kept; nothing if it can."""
    if moving := items.jitter.moving:
        return f"{moving} changes images where they are read"
    return "the items of this set differ from epoch to epoch" if isinstance(items.dataset, DrawnDataset) else ""


def _found(needed: int, places: Iterable[torch.device]) -> Rest:
    """Return the first place where a set may be kept unasked."""
    for place in places:
        free = free_memory(place)
        if free is not None and SHARE * needed <= free:
            return _rest(place, needed)
    known = f"the {amount(free)} that are free" if free is not None else "memory, of which this system says nothing"
    return Rest(None, f"none, since {amount(needed)} are more than a quarter of {known}")


def _rest(place: torch.device, needed: int) -> Rest:
    where = "memory" if place.type == "cpu" else str(place)
    return Rest(place, f"in {where}, {amount(needed)}")
