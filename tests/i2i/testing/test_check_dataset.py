"""What `check_dataset` passes and what it names: one planted bug a case."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i.pairs import Pair
from i2i.testing import check_dataset


class Numbers:
    """Pairs made of their index."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = [f"{split}-{index}" for index in range(3)]

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int, /) -> Pair:
        self.names[index]
        return Pair(np.full((4, 5, 1), index, np.uint8), np.full((4, 5, 3), index / 9, np.float32))


class Empty(Numbers):
    """Has nothing."""

    def __len__(self) -> int:
        return 0


class FewNames(Numbers):
    """Lacks a name."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = ["a", "b"]


class SameNames(Numbers):
    """Has a name twice."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = ["a", "b", "a"]


class Restless(Numbers):
    """Jitters."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source, target + np.float32(np.random.random() / 9))


class Bare(Numbers):
    """Gives tuples."""

    def __getitem__(self, index: int, /) -> Any:
        return tuple(super().__getitem__(index))


class Flat(Numbers):
    """Drops the channel axis."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source[..., 0], target)


class Wide(Numbers):
    """Leaves the range of floats."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source, 255 * (1 + target))


class Odd(Numbers):
    """Has an unknown dtype."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source.astype(np.int64), target)


class Uneven(Numbers):
    """Has sides of two sizes."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source[1:], target)


class Motley(Numbers):
    """Has gray and colour sources."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source.repeat(index + 1, axis=2), target)


class Endless(Numbers):
    """Has no end."""

    def __getitem__(self, index: int, /) -> Pair:
        return super().__getitem__(index % 3)


class Pinned(Numbers):
    """Cannot be sent to a worker."""

    def __init__(self, root: Path, split: str) -> None:
        super().__init__(root, split)
        self.reader = lambda: None


def test_sound_dataset_passes(tmp_path: Path) -> None:
    check_dataset(Numbers, tmp_path)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Empty, "it finds no pair"),
        (FewNames, "it has 3 pairs, but 2 names."),
        (SameNames, "two pairs have the same name."),
        (Restless, "item 0 is not the same when it is read again."),
        (Bare, "item 0 is a tuple, not a Pair."),
        (Flat, "the source of item 0 is of shape (4, 5), not (H, W, C)."),
        (Wide, "the target of item 0 leaves [-1, 1], the range of float32"),
        (Odd, "the source of item 0 fails: TypeError: Images are uint8, uint16 or float32, not int64."),
        (Uneven, "item 0 has a source of (3, 5) and a target of (4, 5) pixels."),
        (Motley, "pairs differ in their channels: [(1, 3), (2, 3), (3, 3)]."),
        (Endless, "item 3 of 3 does not raise IndexError."),
        (Pinned, "pickling, which sends it to worker processes, fails"),
    ],
)
def test_bug_of_a_dataset_is_named(cls: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as error:
        check_dataset(cls, tmp_path)
    assert reason in str(error.value)
