"""What the check of metrics passes and what it names: one planted bug a case."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Ids, Image, Vector
from i2i.testing import check_metric


def named(base: type[Any], **members: Any) -> str:
    """What the check says of a class with these members planted."""
    with pytest.raises(AssertionError) as error:
        check_metric(type("Planted", (base,), members))
    return str(error.value)


def differences(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean(1)


def squares(output: Tensor, target: Tensor) -> Tensor:
    return differences(output, target).mean((1, 2))


class Squares(nn.Module):
    """Mean square of each image."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class MeanColour(nn.Module):
    """Distance of the mean colours of two sets."""

    higher_is_better: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return torch.stack([output.mean((2, 3)), target.mean((2, 3))], 1)

    def aggregate(self, seen: Tensor) -> float | dict[str, float]:
        output, target = seen.mean(0)
        return float((output - target).abs().sum())


def per_batch(_: Any, output: Tensor, target: Tensor) -> Tensor:
    """What a metric sees that takes statistics of its batch."""
    return torch.stack([output.mean((2, 3)) / len(output), target.mean((2, 3))], 1)


class Agreement(nn.Module):
    """The part of pixels whose class is right, of those that have one."""

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Ids, target: Ids) -> Tensor:
        known = target >= 0
        return ((output == target) & known).flatten(1).sum(1) / known.flatten(1).sum(1)


class Region(nn.Module):
    """Mean square of the pixels of a region, with all that a metric may have."""

    higher_is_better: ClassVar[bool] = False
    better: ClassVar[str] = "closer"

    def map(self, output: Tensor, target: Tensor) -> Tensor:
        return differences(output, target)

    def caution(self, count: int) -> str:
        return "few" if count < 10 else ""

    def forward(self, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        counted = torch.ones_like(output[:, 0], dtype=torch.bool) if mask is None else mask
        values = differences(output, target).where(counted, 0).sum((1, 2))
        return values / counted.sum((1, 2))


class WrongPixels(nn.Module):
    """Classes that are wrong, of a set."""

    higher_is_better: ClassVar[bool] = False
    pairs: ClassVar[bool] = True

    def forward(self, output: Ids, target: Ids, *, mask: Tensor | None = None) -> Tensor:
        known = target >= 0 if mask is None else mask & (target >= 0)
        return ((output != target) & known).flatten(1).sum(1)

    def aggregate(self, seen: Tensor) -> dict[str, float]:
        return {"all": float(seen.sum())}


class Recognized(nn.Module):
    """How often the brightest channel is the class of the source: judges what was made alone."""

    higher_is_better: ClassVar[bool] = True

    def forward(self, output: Tensor, *, source: Ids, hint: Vector, style: Image, **fields: Tensor) -> Tensor:
        assert hint.shape == (len(output), 2)
        assert style.shape[2:] == fields["target"].shape[2:]
        return (output.argmax(1) == source).float().mean((1, 2))


def test_what_is_sound_passes() -> None:
    for metric in (Squares, MeanColour, Agreement, Region, WrongPixels, Recognized):
        check_metric(metric)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"better": "It is closer."}, "better is 'It is closer.'. Say it in words that go on after 'it is'"),
        ({"caution": lambda _, count: count}, "caution() returns a int, not words."),
        ({"caution": lambda _: ""}, "caution() fails: TypeError"),
        ({"map": lambda _, *images: squares(*images)}, "map() is of shape (8,), not (8, 64, 48)."),
        ({"map": lambda _, *images: -differences(*images)}, "map() has a mean of 0 where items are equal, and of -"),
    ],
)
def test_bug_of_what_a_metric_has_for_pages_is_named(members: dict[str, Any], reason: str) -> None:
    assert reason in named(Region, **members)


def test_bug_of_a_region_is_named() -> None:
    def forgotten(_: Any, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return squares(output, target)

    def summed(_: Any, output: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return squares(output, target) if mask is None else (differences(output, target) * mask).sum((1, 2))

    def seen(_: Any, output: Ids, target: Ids, *, mask: Tensor | None = None) -> Tensor:
        wrong = ((output != target) & (target >= 0)).flatten(1).sum(1)
        return wrong if mask is None else wrong + 1

    assert "an item whose mask has no pixel scores" in named(Region, forward=forgotten)
    assert "a mask of all pixels scores" in named(Region, forward=summed)
    assert "a mask of all pixels scores" in named(WrongPixels, forward=seen)


def test_a_metric_that_draws_and_one_that_could_be_trained_are_named() -> None:
    def drawn(_: Any, output: Tensor, target: Tensor) -> Tensor:
        return squares(output, target) * (1 + 1e-6 * torch.rand(()))

    class Trained(Squares):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

    assert "and when asked again" in named(Squares, forward=drawn)
    assert "its weights ask for a gradient: scale. Freeze them" in named(Trained)


def test_vectors_are_refused() -> None:
    def forward(_: Any, output: Vector, target: Vector) -> Tensor:
        return (output - target).abs().mean(1)

    assert "it measures vectors." in named(Squares, forward=forward)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"higher_is_better": None}, "higher_is_better is None."),
        ({"higher_is_better": True}, "but higher_is_better is True."),
        ({"forward": lambda _, *images: squares(*images).mean()}, "it returns (). Return (N, ...)"),
        ({"forward": lambda _, *images: squares(*images).mean().expand(len(images[0]))}, "in a batch."),
        (
            {"forward": lambda _, *images: squares(*images) ** 2 / squares(*images)},
            "the figure of items that equal their targets is not a number.",
        ),
    ],
)
def test_bug_of_a_metric_is_named(members: dict[str, Any], reason: str) -> None:
    assert reason in named(Squares, **members)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"higher_is_better": 1}, "higher_is_better is 1."),
        ({"higher_is_better": True}, "but higher_is_better is True."),
        ({"pairs": None}, "pairs is None."),
        ({"aggregate": lambda _, seen: seen.sum()}, "aggregate() returns a Tensor, not a float."),
        ({"aggregate": lambda _, seen: {"all": float("nan")}}, "aggregate() returns nan, which is not finite."),
        ({"aggregate": lambda _, seen: len(seen) / 0}, "aggregate() fails: ZeroDivisionError"),
        ({"forward": lambda _, *images: squares(*images).mean()}, "it returns (). Return (N, ...)"),
        ({"forward": per_batch}, "in one batch and"),
    ],
)
def test_bug_of_a_metric_of_sets_is_named(members: dict[str, Any], reason: str) -> None:
    assert reason in named(MeanColour, **members)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"higher_is_better": False}, "but higher_is_better is False."),
        ({"forward": lambda _, output, target: (output == target).float().mean()}, "it returns (). Return (N, ...)"),
    ],
)
def test_bug_of_a_metric_of_class_ids_is_named(members: dict[str, Any], reason: str) -> None:
    if "forward" in members:
        members["forward"].__annotations__ = {"output": Ids, "target": Ids}
    assert reason in named(Agreement, **members)
