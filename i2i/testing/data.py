"""Checks of datasets and preparers, and of the pairs that they make."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, get_args

import numpy as np

from i2i.data.tensors import check_field
from i2i.fields import DescribedDataset, Field, fields_of
from i2i.pairs import (
    Dataset,
    DrawnDataset,
    FindingPreparer,
    NotedDrawnDataset,
    Pair,
    Pixels,
    Reading,
    by_name,
    range_of,
)
from i2i.testing.basics import blame, built, completed, require


def check_dataset(cls: type[Any], root: Path, split: str = "train", options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls``, reading ``root``, keeps `i2i.pairs.Dataset`, and the other contracts there that it serves.

    Args:
        cls: The dataset.
        root: What it reads: a folder with a few items.
        split: Which split of it.
        options: What to build it with.

    Raises:
        AssertionError: If it does not.
    """
    dataset = built(cls, (root, split), completed(cls, options))
    with blame("len() or names"):
        count, names = len(dataset), dataset.names
    require(count > 0, f"it finds no item in {root}.")
    require(len(names) == count, f"it has {count} items, but {len(names)} names.")
    require(len(set(names)) == count, "two items have the same name.")
    with blame("pickling, which sends it to worker processes,"):
        twin = pickle.loads(pickle.dumps(dataset))
    fields: Mapping[str, Field] = {}
    for index in range(count):
        with blame(f"item {index}"):
            item, again = dataset[index], twin[index]
        require(
            isinstance(item, Pair | Mapping), f"item {index} is a {type(item).__name__}, neither a Pair nor a mapping."
        )
        fields = fields or _described(dataset, item)
        _check_item(f"item {index}", item, fields)
        require(
            _equal(item, again), f"item {index} is not the same when it is read again. Jitter belongs to the engine."
        )
        if isinstance(dataset, DrawnDataset):
            _check_drawn(index, dataset, twin, fields)
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


def _described(dataset: Dataset, first: Pair | Mapping[str, Pixels]) -> Mapping[str, Field]:
    if not isinstance(dataset, DescribedDataset):
        for name, values in by_name(first).items():
            if np.ndim(values) != 1:
                _check_pixels(f"the {name} of item 0", values)
    with blame("fields"):
        return fields_of(dataset)


def _check_item(what: str, item: Any, fields: Mapping[str, Field]) -> None:
    """Require all fields, each as it is described, and of one size where they are of one group."""
    values = by_name(item)
    require(values.keys() == fields.keys(), f"{what} has the fields {sorted(values)}, not {sorted(fields)}.")
    sizes: dict[str, tuple[int, ...]] = {}
    for name, field in fields.items():
        called = f"the {name} of {what}"
        if field.kind == "image":
            _check_pixels(called, values[name])
        require(isinstance(values[name], np.ndarray), f"{called} is a {type(values[name]).__name__}, not an array.")
        with blame(called):
            check_field(values[name], field, called)
        if field.kind == "vector":
            require(values[name].dtype == np.float32, f"{called} is of {values[name].dtype}, not of float32.")
            continue
        channels = values[name].shape[2]
        if field.kind == "image":
            require(channels == field.channels, f"{called} has {channels} channels, {field.channels} are described.")
        size = sizes.setdefault(field.group, values[name].shape[:2])
        alike = size == values[name].shape[:2]
        require(alike, f"{called} is of {values[name].shape[:2]} pixels, others of its group of {size}.")


def _check_drawn(index: int, dataset: DrawnDataset, twin: DrawnDataset, fields: Mapping[str, Field]) -> None:
    """Require an item that depends on the index and on what is drawn from the given generator alone."""
    for seed in range(3):
        with blame(f"draw() of item {index}"):
            drawn, again = dataset.draw(index, Random(seed)), twin.draw(index, Random(seed))
        _check_item(f"item {index} as drawn", drawn, fields)
        require(_equal(drawn, again), f"draw() of item {index} draws from something besides the generator it is given.")
        if isinstance(dataset, NotedDrawnDataset):
            noted, _ = dataset.draw_noted(index, Random(seed))
            require(_equal(drawn, noted), f"draw_noted() of item {index} draws otherwise than draw().")


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


def _equal(made: Any, again: Any) -> bool:
    both = ([each] if isinstance(each, np.ndarray) else _arrays(each) for each in (made, again))
    return all(np.array_equal(a, b) for a, b in zip(*both, strict=True))


def _arrays(made: Any) -> list[Pixels]:
    return list(by_name(made).values()) if isinstance(made, Pair | Mapping) else list(made)
