"""Check of preparers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from i2i.pairs import FindingPreparer, Pair, Pixels, Reading
from i2i.testing.basics import blame, built, completed, require
from i2i.testing.pairs import check_pair, check_pixels


def check_preparer(cls: type[Any], options: Mapping[str, Any] = {}, sources: Sequence[str] = ()) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.pairs.Preparer`, given RGB images of 8 bits.

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
    inputs = getattr(cls, "inputs", None)
    known = isinstance(inputs, tuple) and inputs and set(inputs) <= set(get_args(Reading))
    require(bool(known), f"inputs is {inputs!r}. Set it on the class to a tuple of how each image is read.")
    optional = getattr(cls, "optional", 0)
    allowed = isinstance(optional, int) and 0 <= optional < len(inputs or ())
    require(
        allowed, f"optional is {optional!r}. Set it to how many of the last of {len(inputs or ())} inputs may lack."
    )
    for number in range(len(inputs or ()) - optional, len(inputs or ()) + 1):
        _check_prepared(preparer, (inputs or ())[:number])


def _check_prepared(preparer: Any, inputs: Sequence[Reading]) -> None:
    random = np.random.default_rng(0)
    images = [_sample(reading, random) for reading in inputs]
    before = [image.copy() for image in images]
    with blame(f"the preparer, given {len(images)} of 49x66,"):
        made, again = preparer(*images), preparer(*images)
    _check_made("the result", made)
    untouched = all(np.array_equal(a, b) for a, b in zip(images, before, strict=True))
    require(untouched, "it writes into its input. Copy the image first.")
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
    if isinstance(made, np.ndarray):
        check_pixels(what, made)
    else:
        check_pair(what, made)


def _equal(made: Pair | Pixels, again: Pair | Pixels) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(_images_of(made), _images_of(again), strict=True))


def _sample(reading: Reading, random: np.random.Generator) -> Pixels:
    """Return an image as a preparer gets it that wants it read in this way."""
    channels = {"image": 3, "alpha": 4, "ids": 1}[reading]
    return random.integers(0, 4 if reading == "ids" else 256, (49, 66, channels), dtype=np.uint8)


def _images_of(made: Pair | Pixels) -> tuple[Pixels, ...]:
    return tuple(made) if isinstance(made, tuple) else (made,)
