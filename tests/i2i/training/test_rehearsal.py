"""A step is rehearsed without values before training: what cannot go together is found, the rest goes on."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import i2i
from i2i.config import resolve
from i2i.contracts import Clock, Generator, Image, Recipe, Update, Wire
from i2i.errors import UsageError
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.training.reporting import Reporter
from i2i.training.setup import Setup, set_up

TINY: dict[str, Any] = {
    "generator": {"depth": 2, "base_channels": 4},
    "data": {"crop": 16, "workers": 0},
    "training": {"steps": 9, "threads": 1, "batch_size": 2},
}


class Plain(Recipe):
    """Compares the fake with the target in a way that a test gives."""

    defaults: ClassVar[dict[str, str]] = {"generator": "unet"}
    compare: ClassVar[Any] = None

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros(()))

    @classmethod
    def wiring(cls, fields: Any, options: Mapping[str, Any]) -> dict[str, Wire]:
        return {"generator": Wire(fields["source"].channels, fields["target"].channels)}

    def step(self, source: Image, target: Image, clock: Clock) -> Iterator[Update]:
        self.steps += 1
        yield Update("generator", {"pixel": type(self).compare(self.generator(source), target, clock)})


class Plugin:
    @i2i.hookimpl
    def i2i_recipes(self) -> dict[str, type[nn.Module]]:
        return {"plain": Plain}


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    installed(COMPONENTS).register(Plugin(), "plain")
    yield
    installed.cache_clear()


def rehearsed(pairs: Path, monkeypatch: pytest.MonkeyPatch, compare: Any) -> Setup:
    monkeypatch.setattr(Plain, "compare", compare)
    return set_up(resolve([TINY, {"recipe": {"name": "plain"}, "data": {"path": str(pairs)}}]), Reporter())


def test_first_middle_and_last_step_are_rehearsed_to_their_end_with_a_batch(
    shared_pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []

    def compare(fake: Tensor, target: Tensor, clock: Clock) -> Tensor:
        met.append((clock.step, fake.device.type, target.device.type, tuple(fake.shape)))
        return (fake - target).abs().mean()

    setup = rehearsed(shared_pairs, monkeypatch, compare)
    # and the first once more, to count what it computes
    assert met == [(step, "meta", "meta", (2, 3, 16, 16)) for step in (0, 4, 8, 0)]
    assert setup.recipe.steps == 0
    assert not any(value.is_meta or getattr(value, "grad", None) for value in setup.recipe.state_dict().values())


@pytest.mark.parametrize(
    "compare",
    [
        lambda fake, target, _: (fake - target[:, :2]).abs().mean(),
        lambda fake, target, _: nn.functional.l1_loss(fake, target[:, :1]),  # of which torch only warns
        lambda fake, target, _: (fake - target).detach().mean(),
        lambda fake, target, clock: (fake - target[:, : 3 if clock.step < 8 else 2]).mean(),
    ],
    ids=["shapes", "broadcast", "no gradient", "in the last step"],
)
def test_what_does_not_go_together_is_one_line_before_training(
    shared_pairs: Path, monkeypatch: pytest.MonkeyPatch, compare: Any
) -> None:
    refused = pytest.raises(UsageError, match=r"recipe 'plain' cannot make a step of 16x16 pixels with .*unet")
    with warnings.catch_warnings(), refused as error:
        warnings.simplefilter("default")  # as for a user: here all warnings are errors
        rehearsed(shared_pairs, monkeypatch, compare)
    assert "\n" not in str(error.value)


def test_what_depends_on_values_is_passed_over(shared_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    met = []

    def compare(fake: Tensor, target: Tensor, _: Clock) -> Tensor:
        met.append(True)
        return (fake - target).abs().mean() * (2 if fake.mean().item() > 0 else 1)

    rehearsed(shared_pairs, monkeypatch, compare)
    assert met
