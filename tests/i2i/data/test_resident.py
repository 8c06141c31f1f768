"""A set on a device yields what is read from files: here the device is the CPU."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from loaded_batches import assert_equal

from i2i.data.dataset import Pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter, Size
from i2i.data.loading import Loaded, Loader
from i2i.data.resident import ResidentLoader, resting_bytes, resting_place
from i2i.errors import I2iError, ResourceError, UsageError
from i2i.fields import Field
from i2i.pairs import Block, Pixels
from i2i.system.devices import amount

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class Mixed:
    """Items of every kind of field, of different sizes; those of odd index are stored with 16 bits."""

    fields: Mapping[str, Field] = {
        "photo": Field(channels=3),
        "depth": Field(channels=1, dtype="uint16"),
        "labels": Field(channels=300, kind="ids", void=255, dtype="uint16"),
        "style": Field(channels=3, group="style"),
        "time": Field(channels=2, kind="vector", dtype="float32"),
    }

    def __init__(self) -> None:
        self.names = [f"item {index}" for index in range(5)]
        self.read = list[int]()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Mapping[str, Pixels]:
        self.read.append(index)
        rng, size = np.random.default_rng(index), (10 + index, 12)
        short = np.uint16 if index % 2 else np.uint8
        return {
            "photo": rng.integers(0, np.iinfo(short).max + 1, (*size, 3), short),
            "depth": rng.integers(0, 65536, (*size, 1), np.uint16),
            "labels": rng.integers(0, 300, (*size, 1), np.uint16),
            "style": rng.integers(0, 256, (9, 20, 3), np.uint8),
            "time": np.array([index, -1], np.float32),
        }

    def read_noted(self, index: int, /) -> tuple[Mapping[str, Pixels], tuple[str, ...]]:
        return self[index], (f"photo: noted {index}",)


class Varying(Mixed):
    def draw(self, index: int, rng: Random, /) -> Mapping[str, Pixels]:
        return self[rng.randrange(5)]


class Packed(Mixed):
    blocks = (Block(2, 1000), Block(3, 1000))


def items_of(dataset: Any, resize: Size | None = None, *, mirror: bool = True) -> Items:
    return Items(dataset, dataset.fields, Jitter((8, 7), resize, mirror), 3)


def from_files(items: Items, start: int = 0, stop: int = 8, batch_size: int = 2) -> list[Loaded]:
    return list(Loader(items, batch_size=batch_size, start=start, stop=stop, workers=0))


def from_device(items: Items, start: int = 0, stop: int = 8, batch_size: int = 2, **how: Any) -> list[Loaded]:
    loader = ResidentLoader(items, CPU, batch_size=batch_size, start=start, stop=stop, **{"workers": 0, **how})
    try:
        return list(loader)
    finally:
        loader.close()


@pytest.mark.parametrize("resize", [None, (11, 13)])
@pytest.mark.parametrize(("start", "batch_size"), [(0, 1), (0, 2), (4, 2), (1, 4)])
def test_batches_equal_those_from_files_to_the_bit(resize: Size | None, start: int, batch_size: int) -> None:
    items = items_of(Mixed(), resize)
    told, expected = from_device(items, start, 8, batch_size), from_files(items, start, 8, batch_size)
    assert_equal(told, expected)
    assert [loaded.notes for loaded in told] == [loaded.notes for loaded in expected]


def test_mirroring_can_be_off() -> None:
    items = items_of(Mixed(), mirror=False)
    assert_equal(from_device(items), from_files(items))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(pairs_folder: Path, workers: int) -> None:
    pairs = Pairs(pairs_folder, "train")
    items = Items(pairs, pairs.fields, Jitter((16, 16), (18, 18), mirror=True), 0)
    assert_equal(from_device(items, workers=workers), from_files(items))


def test_every_item_is_read_once_when_it_is_first_needed() -> None:
    dataset = Mixed()
    loader = ResidentLoader(items_of(dataset), CPU, batch_size=2, start=0, stop=20, workers=0)
    next(loader)
    assert len(dataset.read) == 2
    for _ in loader:
        pass
    assert sorted(dataset.read) == [0, 1, 2, 3, 4]


def test_workers_end_once_everything_was_read(pairs_folder: Path) -> None:
    pairs = Pairs(pairs_folder, "train")
    items = Items(pairs, pairs.fields, Jitter((16, 16), (18, 18), mirror=True), 0)
    loader = ResidentLoader(items, CPU, batch_size=6, start=0, stop=9, workers=1)
    (worker,) = loader._visits._workers  # type: ignore[attr-defined]
    next(loader)
    assert not worker.is_alive()
    next(loader)


def test_an_item_that_cannot_be_read_is_refused_at_its_visit(pairs_folder: Path) -> None:
    (pairs_folder / "train" / "imageB" / "03.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    pairs = Pairs(pairs_folder, "train")
    items = Items(pairs, pairs.fields, Jitter((16, 16), (18, 18), mirror=True), 0)
    loader, seen = ResidentLoader(items, CPU, batch_size=1, start=0, stop=6, workers=0), list[str]()
    with pytest.raises(I2iError, match=r"03\.png"):
        seen.extend(loaded.names[0] for loaded in loader)
    assert "03" not in seen


def test_channels_may_come_last_in_memory() -> None:
    items = items_of(Mixed())
    last = from_device(items, channels_last=True)
    assert all(loaded.batch["photo"].is_contiguous(memory_format=torch.channels_last) for loaded in last)
    assert_equal(last, from_files(items))


def test_a_set_takes_the_bytes_that_it_is_stored_with() -> None:
    a_pixel = 3 + 2 + 2 + 3  # photo, depth and labels of 16 bits, style
    assert resting_bytes(items_of(Mixed(), (20, 30))) == 5 * (600 * a_pixel + 2 * 4)


def free(monkeypatch: pytest.MonkeyPatch, **by_device: int | None) -> None:
    monkeypatch.setattr("i2i.data.resident.free_memory", lambda device: by_device[device.type])


@pytest.mark.parametrize(
    ("cuda", "cpu", "place"), [(4, 0, GPU), (3, 4, CPU), (3, 3, None), (None, 4, CPU), (3, None, None), (9, 9, GPU)]
)
def test_a_set_is_kept_unasked_where_it_takes_a_quarter_of_what_is_free_and_on_the_device_first(
    monkeypatch: pytest.MonkeyPatch, cuda: int | None, cpu: int | None, place: torch.device | None
) -> None:
    items = items_of(Mixed())
    needed = resting_bytes(items)
    free(monkeypatch, cuda=cuda and cuda * needed, cpu=cpu and cpu * needed)
    found = resting_place(items, GPU, "auto")
    assert found.on == place
    assert found.said.startswith({GPU: "in cuda, ", CPU: "in memory, ", None: "none, since"}[place])
    assert amount(needed) in found.said
    assert resting_place(items, CPU, "auto").on == (CPU if cpu == 4 or cpu == 9 else None)


def test_what_is_said_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    items = items_of(Mixed())
    free(monkeypatch, cuda=resting_bytes(items), cpu=resting_bytes(items))
    assert [resting_place(items, GPU, where).on for where in ("none", "memory", "device")] == [None, CPU, GPU]


def test_what_differs_from_epoch_to_epoch_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, cuda=10**12, cpu=10**12)
    items = items_of(Varying())
    assert resting_place(items, GPU, "auto").on is None
    with pytest.raises(UsageError, match=r"data\.cache is memory, .* differ from epoch to epoch\. Say data"):
        resting_place(items, GPU, "memory")


def test_a_set_whose_images_are_changed_as_they_are_read_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, cuda=10**12, cpu=10**12)
    dataset = Mixed()
    items = Items(dataset, dataset.fields, Jitter((8, 8), (12, 12), mirror=True, scale=(0.5, 1.0)), 3)
    found = resting_place(items, GPU, "auto")
    assert (found.on, found.said) == (None, "none, since data.scale changes images where they are read")


@pytest.mark.parametrize("mirror", [True, "alternate"])
def test_quarter_turns_are_those_of_images_from_files(mirror: Any) -> None:
    dataset = Mixed()
    items = Items(dataset, dataset.fields, Jitter((8, 8), (11, 10), mirror, rotate=True), 3)
    assert_equal(from_device(items, stop=12), from_files(items, stop=12))


def test_a_set_that_is_read_in_blocks_is_kept_in_its_order() -> None:
    items = items_of(Packed())
    assert_equal(from_device(items, stop=10), from_files(items, stop=10))


@pytest.mark.parametrize("where", ["memory", "device"])
def test_what_does_not_fit_is_refused_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch, where: Any) -> None:
    free(monkeypatch, cuda=10, cpu=10)
    with pytest.raises(ResourceError, match=r"data\.cache=none"):
        resting_place(items_of(Mixed()), GPU, where)
