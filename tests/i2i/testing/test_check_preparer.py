"""What `check_preparer` passes and what it names: one planted bug a case."""

from typing import Any, ClassVar

import pytest

from i2i.pairs import Pair, Pixels, Reading
from i2i.testing import check_preparer


class Negative:
    """Makes a photo of its negative."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(255 - images[0], images[0])


class Both:
    """Takes two."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "image")

    def __call__(self, *images: Pixels) -> Pair:
        first, second = images
        return Pair(first, second)


class Unsaid(Negative):
    """Does not say how many it takes."""

    inputs: ClassVar[Any] = None


class Writes(Negative):
    """Writes into its input."""

    def __call__(self, *images: Pixels) -> Pair:
        images[0][:] //= 2
        return Pair(images[0].copy(), images[0].copy())


class Varies(Negative):
    """Gives another pair each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *images: Pixels) -> Pair:
        self.calls += 1
        return Pair(images[0] // self.calls, images[0])


class Fails(Negative):
    """Cannot read what it is given."""

    def __call__(self, *images: Pixels) -> Pair:
        raise IndexError("axis 2")


@pytest.mark.parametrize("cls", [Negative, Both])
def test_sound_preparer_passes(cls: Any) -> None:
    check_preparer(cls)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Unsaid, "inputs is None."),
        (Writes, "it writes into its input."),
        (Varies, "the same image gives another pair the second time."),
        (Fails, "the preparer, given 1 of 49x66, fails: IndexError: axis 2"),
    ],
)
def test_bug_of_a_preparer_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_preparer(cls)
    assert reason in str(error.value)
