"""Checks of datasets and preparers, and of the pairs that they make."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from i2i.pairs import FindingPreparer, Pair, Pixels, Reading, range_of
from i2i.testing.basics import blame, built, completed, require


def check_dataset(cls: type[Any], root: Path, split: str = "train", options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls``, reading ``root``, keeps the contract of `i2i.pairs.Dataset`.

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
        require(isinstance(pair, Pair), f"item {index} is a {type(pair).__name__}, not a Pair.")
        _check_made(f"item {index}", pair)
        require(
            _equal(pair, again), f"item {index} is not the same when it is read again. Jitter belongs to the engine."
        )
        channels.add((pair.source.shape[2], pair.target.shape[2]))
    require(len(channels) == 1, f"pairs differ in their channels: {sorted(channels)}.")
    try:
        dataset[count]
    except IndexError:
        return
    raise AssertionError(f"item {count} of {count} does not raise IndexError.")


def check_preparer(cls: type[Any], options: Mapping[str, Any] = {}, sources: Sequence[str] = ()) -> None:
    """Check that ``cls`` keeps the contract of `i2i.pairs.Preparer`, given RGB images of 8 bits.

    Args:
        cls: The preparer.
        options: What to build it with.
        sources: Of an `i2i.pairs.FindingPreparer`, something that it can find items in; without any, only its options
            are checked and that it can be built.

    Raises:
        AssertionError: If it does not.
    """
    preparer = built(cls, (), completed(cls, options))
    if isinstance(preparer, FindingPreparer):
        if sources:
            _check_finding(preparer, built(cls, (), completed(cls, options)), sources)
        return
    inputs, optional = getattr(cls, "inputs", None), getattr(cls, "optional", 0)
    known = isinstance(inputs, tuple) and inputs and set(inputs) <= set(get_args(Reading))
    require(bool(known), f"inputs is {inputs!r}. Set it on the class to a tuple of how each image is read.")
    with blame("writing facts as JSON"):
        json.dumps(getattr(preparer, "facts", {}), allow_nan=False)
    count = len(inputs or ())
    allowed = isinstance(optional, int) and 0 <= optional < count
    require(allowed, f"optional is {optional!r}. Set it to how many of the last of {count} inputs may lack.")
    for number in range(count - optional, count + 1):
        _check_prepared(preparer, (inputs or ())[:number])


def _check_prepared(preparer: Any, inputs: Sequence[Reading]) -> None:
    random = np.random.default_rng(0)
    channels = {"image": 3, "alpha": 4, "ids": 1}
    images = [random.integers(0, 4 if each == "ids" else 256, (49, 66, channels[each]), "u1") for each in inputs]
    before = [image.copy() for image in images]
    with blame(f"the preparer, given {len(images)} of 49x66,"):
        made, again = preparer(*images), preparer(*images)
    _check_made("the result", made)
    require(_equal(images, before), "it writes into its input. Copy the image first.")
    require(_equal(made, again), "the same image gives another pair the second time.")


def _check_finding(preparer: FindingPreparer, twin: FindingPreparer, sources: Sequence[str]) -> None:
    with blame("plan()"):
        require(bool(preparer.plan(sources).strip()), "plan() says nothing.")
    with blame("find()"):
        finding, again = preparer.find(sources, lambda done, total: None), twin.find(sources, lambda done, total: None)
    require(bool(finding.items), f"it finds no item in {list(sources)}.")
    names = [item.name for item in finding.items]
    require(len(set(names)) == len(names), "two items have the same name.")
    require(list(finding.items) == list(again.items), "it finds other items, or another order, the second time.")
    with blame("writing keys, metadata and facts as JSON"):
        for item in finding.items:
            data = [item.key, dict(item.metadata)]
            require(json.loads(json.dumps(data, allow_nan=False)) == data, f"{item.name!r} has more than plain data.")
        json.dumps(dict(finding.facts), allow_nan=False)
    fresh = pickle.loads(pickle.dumps(finding.items[0]))
    with blame(f"make({fresh.name!r})"):
        made, again_made = preparer.make(finding.items[0]), twin.make(fresh)
    _check_made(repr(fresh.name), made)
    require(_equal(made, again_made), "another instance makes another pair of the same item.")


def _check_made(what: str, made: Any) -> None:
    """Require one image, or a pair of two of one size."""
    if isinstance(made, np.ndarray):
        _check_pixels(what, made)
        return
    require(isinstance(made, Pair), f"{what} is a {type(made).__name__}, not a Pair.")
    for side, pixels in zip(("source", "target"), made, strict=True):
        _check_pixels(f"the {side} of {what}", pixels)
    source, target = made.source.shape[:2], made.target.shape[:2]
    require(source == target, f"{what} has a source of {source} and a target of {target} pixels.")


def _check_pixels(what: str, pixels: Pixels) -> None:
    """Require an image (H, W, C) within the range of its dtype."""
    require(isinstance(pixels, np.ndarray), f"{what} is a {type(pixels).__name__}, not an array.")
    require(pixels.ndim == 3, f"{what} is of shape {pixels.shape}, not (H, W, C).")
    with blame(what):
        low, high = range_of(pixels.dtype)
    inside = bool(pixels.size and pixels.min() >= low and pixels.max() <= high)
    require(inside, f"{what} leaves [{low:g}, {high:g}], the range of {pixels.dtype}, or is empty.")


def _equal(made: Sequence[Pixels] | Pixels, again: Sequence[Pixels] | Pixels) -> bool:
    both = ([each] if isinstance(each, np.ndarray) else each for each in (made, again))
    return all(np.array_equal(a, b) for a, b in zip(*both, strict=True))
