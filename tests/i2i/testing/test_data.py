"""What the checks of datasets and preparers pass and what they name: one planted bug a case."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest

from i2i.fields import Field
from i2i.pairs import Finding, Item, Pair, Pixels, Reading
from i2i.testing import check_dataset, check_preparer

BUGS: dict[str, Callable[[int, Pair], Any]] = {
    "": lambda index, pair: pair,
    "restless": lambda index, pair: Pair(pair.source, pair.target + np.float32(np.random.random() / 9)),
    "bare": lambda index, pair: tuple(pair),
    "flat": lambda index, pair: Pair(pair.source[..., 0], pair.target),
    "wide": lambda index, pair: Pair(pair.source, 255 * (1 + pair.target)),
    "odd": lambda index, pair: Pair(pair.source.astype(np.int64), pair.target),
    "uneven": lambda index, pair: Pair(pair.source[1:], pair.target),
    "motley": lambda index, pair: Pair(pair.source.repeat(index + 1, axis=2), pair.target),
}
"""What is done to an item, by the name of a bug."""


class Numbers:
    """Pairs made of their index.

    Args:
        bug: One of `BUGS`, or of those in the body.
    """

    def __init__(self, root: Path, split: str, *, bug: str = "") -> None:
        self.bug = bug
        names = {"few-names": ["a", "b"], "same-names": ["a", "b", "a"]}
        self.names = names.get(bug, [f"{split}-{index}" for index in range(3)])
        if bug == "pinned":
            self.reader = lambda: None  # cannot be sent to a worker

    def __len__(self) -> int:
        return 0 if self.bug == "empty" else 3

    def __getitem__(self, index: int, /) -> Any:
        index = index % 3 if self.bug == "endless" else range(3)[index]
        pair = Pair(np.full((4, 5, 1), index, np.uint8), np.full((4, 5, 3), index / 9, np.float32))
        return BUGS.get(self.bug, BUGS[""])(index, pair)


DRAWN_BUGS: dict[str, Callable[[dict[str, Pixels]], dict[str, Pixels]]] = {
    "": lambda item: item,
    "void": lambda item: item | {"labels": np.where(item["labels"] == 1, 255, item["labels"]).astype(np.uint8)},
    "undeclared": lambda item: item | {"labels": item["labels"] + np.uint8(3)},
    "unaligned": lambda item: item | {"labels": item["labels"][1:]},
    "colours": lambda item: item | {"labels": item["labels"].repeat(3, axis=2)},
    "long": lambda item: item | {"time": np.zeros(3, np.float32)},
    "double": lambda item: item | {"time": item["time"].astype(np.float64)},
    "more": lambda item: item | {"mask": item["labels"]},
}
"""What is done to an item of several fields, by the name of a bug."""


ELSEWHERE = count()
"""What no generator that is given knows of."""


class Drawn:
    """Items of any fields, of two groups of different sizes, whose style is drawn.

    Args:
        bug: One of `DRAWN_BUGS`, or of those in the body.
    """

    fields: ClassVar[dict[str, Field]] = {
        "photo": Field(channels=3),
        "labels": Field(channels=3, kind="ids", void=255),
        "time": Field(channels=2, kind="vector"),
        "style": Field(channels=1, group="style"),
    }

    def __init__(self, root: Path, split: str, *, bug: str = "") -> None:
        self.bug, self.names = bug, ["a", "b"]

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int, /) -> dict[str, Pixels]:
        return self._made(self.names.index(self.names[index]), 0)

    def draw(self, index: int, rng: Random, /) -> dict[str, Pixels]:
        return self._made(index, next(ELSEWHERE) if self.bug == "global" else rng.randrange(99))

    def draw_noted(self, index: int, rng: Random, /) -> tuple[dict[str, Pixels], tuple[str, ...]]:
        return self.draw(index, Random(7) if self.bug == "apart" else rng), ()

    def _made(self, index: int, style: int) -> dict[str, Pixels]:
        item: dict[str, Pixels] = {
            "photo": np.full((4, 5, 3), index, np.uint8),
            "labels": np.full((4, 5, 1), index, np.uint8),
            "time": np.full(2, index, np.float32),
            "style": np.full((9, 3, 1), style, np.uint8),
        }
        return DRAWN_BUGS.get(self.bug, DRAWN_BUGS[""])(item)


@pytest.mark.parametrize("bug", ["", "void"])
def test_sound_dataset_of_any_fields_that_draws_passes(bug: str, tmp_path: Path) -> None:
    check_dataset(Drawn, tmp_path, options={"bug": bug})


@pytest.mark.parametrize(
    ("bug", "reason"),
    [
        ("undeclared", "the labels of item 0 has the label 3."),
        ("unaligned", "the labels of item 0 is of (3, 5) pixels, others of its group of (4, 5)."),
        ("colours", "the labels of item 0 has 3 channels of uint8. Ids are one channel"),
        ("long", "the time of item 0 is of shape (3,)."),
        ("double", "the time of item 0 is of float64, not of float32."),
        ("more", "item 0 has the fields ['labels', 'mask', 'photo', 'style', 'time'], not ['labels'"),
        ("global", "draw() of item 0 draws from something besides the generator it is given."),
        ("apart", "draw_noted() of item 0 draws otherwise than draw()."),
    ],
)
def test_bug_of_a_dataset_of_any_fields_is_named(bug: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as error:
        check_dataset(Drawn, tmp_path, options={"bug": bug})
    assert reason in str(error.value)


def test_sound_dataset_passes(tmp_path: Path) -> None:
    check_dataset(Numbers, tmp_path)


@pytest.mark.parametrize(
    ("bug", "reason"),
    [
        ("empty", "it finds no item"),
        ("few-names", "it has 3 items, but 2 names."),
        ("same-names", "two items have the same name."),
        ("restless", "item 0 is not the same when it is read again."),
        ("bare", "item 0 is a tuple, neither a Pair nor a mapping."),
        ("flat", "the source of item 0 is of shape (4, 5), not (H, W, C)."),
        ("wide", "the target of item 0 leaves [-1, 1], the range of float32"),
        ("odd", "the source of item 0 fails: TypeError: Images are uint8, uint16 or float32, not int64."),
        ("uneven", "the target of item 0 is of (4, 5) pixels, others of its group of (3, 5)."),
        ("motley", "the source of item 1 has 2 channels, 1 are described."),
        ("endless", "item 3 of 3 does not raise IndexError."),
        ("pinned", "pickling, which sends it to worker processes, fails"),
    ],
)
def test_bug_of_a_dataset_is_named(bug: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as error:
        check_dataset(Numbers, tmp_path, options={"bug": bug})
    assert reason in str(error.value)


class Negative:
    """Makes a photo of its negative, or of another image."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "alpha")
    optional: ClassVar[int] = 1

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(255 - images[0], images[-1][..., :3])


class Counted(Negative):
    """Gives another pair each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *images: Pixels) -> Pair:
        self.calls += 1
        return Pair(images[0] // self.calls, images[0])


def written_into(_: Any, *images: Pixels) -> Pair:
    images[0][:] //= 2
    return Pair(images[0].copy(), images[0].copy())


def test_sound_preparer_passes() -> None:
    check_preparer(Negative)


@pytest.mark.parametrize(
    ("base", "members", "reason"),
    [
        (Negative, {"inputs": None}, "inputs is None."),
        (Negative, {"optional": 2}, "optional is 2."),
        (Negative, {"__call__": written_into}, "it writes into its input."),
        (Counted, {}, "the same image gives another pair the second time."),
        (
            Negative,
            {"__call__": lambda _, photo, *others: photo[3, 4, 5]},
            "the preparer, given 1 of 49x66, fails: IndexError: index 5 is out of bounds",
        ),
    ],
)
def test_bug_of_a_preparer_is_named(base: type[Any], members: dict[str, Any], reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_preparer(type("Planted", (base,), members))
    assert reason in str(error.value)


class Shades:
    """Finds two gray images."""

    names: ClassVar[tuple[str, ...]] = ("dark", "light")
    key: ClassVar[Any] = 7

    def plan(self, sources: Any) -> str:
        return "2 images"

    def find(self, sources: Any, on_progress: Any) -> Finding:
        return Finding([Item(name, self.key) for name in self.names])

    def make(self, item: Item) -> Pixels:
        return np.full((4, 4, 1), 7, np.uint8)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"plan": lambda *_: " "}, "plan() says nothing."),
        ({"names": ()}, "it finds no item in ['here']."),
        ({"names": ("dark", "dark")}, "two items have the same name."),
        ({"key": (1, 2)}, "'dark' has more than plain data."),
        ({"make": lambda *_: 1 / 0}, "make('dark') fails: ZeroDivisionError"),
        ({"make": lambda *_: np.random.random((9, 9, 1)).astype(np.float32)}, "another pair of the same item."),
    ],
)
def test_bug_of_a_finding_preparer_is_named(members: dict[str, Any], reason: str) -> None:
    check_preparer(Shades, sources=["here"])
    with pytest.raises(AssertionError) as error:
        check_preparer(type("Planted", (Shades,), members), sources=["here"])
    assert reason in str(error.value)
