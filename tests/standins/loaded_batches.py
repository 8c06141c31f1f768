"""Batches as a training gets them."""

from pathlib import Path

import torch

from i2i.data.dataset import Pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.loading import Loaded, Loader


def batches(
    folder: Path, *, start: int = 0, stop: int = 8, workers: int = 0, seed: int = 0, batch_size: int = 4
) -> list[Loaded]:
    """Those of some steps of a training on 16 px."""
    pairs = Pairs(folder, "train")
    items = Items(pairs, pairs.fields, Jitter(crop=(16, 16), resize=(18, 18), mirror=True), seed)
    loader = Loader(items, batch_size=batch_size, start=start, stop=stop, workers=workers)
    try:
        return list(loader)
    finally:
        loader.close()


def assert_equal(one: list[Loaded], other: list[Loaded]) -> None:
    """The same pairs in the same order, to the bit."""
    assert [loaded.names for loaded in one] == [loaded.names for loaded in other]
    for a, b in zip(one, other, strict=True):
        assert a.batch.keys() == b.batch.keys()
        assert all(torch.equal(field, b.batch[name]) for name, field in a.batch.items())
