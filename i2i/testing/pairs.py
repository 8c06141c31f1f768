"""Check of datasets, and of the pairs that anything makes."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from i2i.pairs import Pair, Pixels, range_of
from i2i.testing.basics import blame, built, completed, require


def check_dataset(cls: type[Any], root: Path, split: str = "train", options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls``, reading ``root``, keeps the contract of `i2i.pairs.PairDataset`.

    Args:
        cls: The dataset.
        root: What it reads: a folder with a few pairs.
        split: Which split of it.
        options: What to build it with.

    Raises:
        AssertionError: If it does not.
    """
    dataset = built(cls, (root, split), completed(cls, options))
    with blame("len() or names"):
        count, names = len(dataset), dataset.names
    require(count > 0, f"it finds no pair in {root}.")
    require(len(names) == count, f"it has {count} pairs, but {len(names)} names.")
    require(len(set(names)) == count, "two pairs have the same name.")
    with blame("pickling, which sends it to worker processes,"):
        twin = pickle.loads(pickle.dumps(dataset))
    channels = set()
    for index in range(count):
        with blame(f"item {index}"):
            pair, again = dataset[index], twin[index]
        check_pair(f"item {index}", pair)
        equal = all(np.array_equal(a, b) for a, b in zip(pair, again, strict=True))
        require(equal, f"item {index} is not the same when it is read again. Jitter belongs to the engine.")
        channels.add((pair.source.shape[2], pair.target.shape[2]))
    require(len(channels) == 1, f"pairs differ in their channels: {sorted(channels)}.")
    try:
        dataset[count]
    except IndexError:
        return
    raise AssertionError(f"item {count} of {count} does not raise IndexError.")


def check_pair(what: str, pair: Any) -> None:
    """Fails unless both sides are images, of one size.

    Raises:
        AssertionError: If not.
    """
    require(isinstance(pair, Pair), f"{what} is a {type(pair).__name__}, not a Pair.")
    for side, pixels in zip(("source", "target"), pair, strict=True):
        check_pixels(f"the {side} of {what}", pixels)
    source, target = pair.source.shape[:2], pair.target.shape[:2]
    require(source == target, f"{what} has a source of {source} and a target of {target} pixels.")


def check_pixels(what: str, pixels: Pixels) -> None:
    """Fails unless it is an image (H, W, C) within the range of its dtype.

    Raises:
        AssertionError: If not.
    """
    require(isinstance(pixels, np.ndarray), f"{what} is a {type(pixels).__name__}, not an array.")
    require(pixels.ndim == 3, f"{what} is of shape {pixels.shape}, not (H, W, C).")
    with blame(what):
        low, high = range_of(pixels.dtype)
    inside = bool(pixels.size and pixels.min() >= low and pixels.max() <= high)
    require(inside, f"{what} leaves [{low:g}, {high:g}], the range of {pixels.dtype}, or is empty.")
