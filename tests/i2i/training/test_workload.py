"""What a step computes, counted by hand, and how long it is said to take."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from training_runs import tiny

from i2i.contracts import Image, Recipe, Update, Wire
from i2i.fields import Field, Fields
from i2i.training import estimate
from i2i.training.estimate import Rates, about, estimated, measured, step_seconds
from i2i.training.reporting import Reporter
from i2i.training.setup import set_up
from i2i.training.workload import workload

FIELDS = Fields({"source": Field(channels=2), "target": Field(channels=2)}, (8, 8))


class Adversaries(Recipe):
    """Updates one network on what the other made, then the other through the one."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Conv2d(2, 2, 3, padding=1)
        self.judge: Any = nn.Sequential(nn.ConvTranspose2d(2, 3, 2, stride=2), nn.Flatten(), nn.Linear(3 * 16 * 16, 1))

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> dict[str, Wire]:
        return {}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        made = self.maker(source)
        yield Update("judge", {"real": self.judge(target).mean(), "fake": self.judge(made.detach()).mean()})
        yield Update("maker", {"gan": self.judge(made).mean()})


def test_operations_are_those_of_layers_and_of_the_gradients_that_are_needed() -> None:
    recipe, batch = Adversaries(), 5
    maker = 2 * batch * 2 * 8 * 8 * (2 * 3 * 3)
    judge = 2 * batch * 2 * 8 * 8 * (3 * 2 * 2) + 2 * batch * 3 * 16 * 16
    found = workload(recipe, FIELDS, batch)
    # the judge runs three times, and is not updated after the third
    assert found.operations == 3 * maker + 3 * (judge + judge) + 2 * judge
    assert found.parameters == sum(p.numel() for p in recipe.parameters())
    made, unfolded, verdict = (4 * batch * n for n in (2 * 8 * 8, 3 * 16 * 16, 1))
    assert made + 3 * (2 * unfolded + verdict) <= found.results < made + 4 * (2 * unfolded + verdict)


def test_to_count_changes_nothing_and_draws_nothing() -> None:
    recipe = Adversaries()
    before, drawn = [p.clone() for p in recipe.parameters()], torch.get_rng_state()
    workload(recipe, FIELDS, 1)
    measured()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(p, was) and p.grad is None for p, was in zip(recipe.parameters(), before, strict=True))


def test_twice_the_batch_takes_twice_the_operations_and_results() -> None:
    one, two = (workload(Adversaries(), FIELDS, count) for count in (3, 6))
    assert (two.operations, two.parameters) == (2 * one.operations, one.parameters)
    assert two.results == pytest.approx(2 * one.results, rel=1e-3)  # losses are scalars
    rates = Rates(arithmetic=1e9, memory=1e9)
    assert step_seconds(one, rates) < step_seconds(two, rates) < 2 * step_seconds(one, rates)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "some seconds"), (42, "about 42 s"), (700, "about 12 min"), (9100, "about 2.5 h"), (2e5, "about 2.3 days")],
)
def test_a_time_is_rounded_to_what_is_worth_saying(seconds: float, said: str) -> None:
    assert about(seconds) == said


def test_a_long_run_is_told_of_a_smaller_one_and_a_short_one_not(
    shared_pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "measured", lambda: Rates(1e11, 1e11))
    setup = set_up(tiny(shared_pairs, training={"steps": 10**9}), Reporter())
    assert " on this CPU; --preset small about " in estimated(setup)
    monkeypatch.setattr(estimate, "measured", lambda: Rates(1e18, 1e18))
    assert estimated(setup) == "some seconds on this CPU"
    assert not estimated(replace(setup, work=None))


def test_a_step_of_several_batches_takes_as_long_as_these(shared_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "measured", lambda: Rates(1e10, 1e10))
    monkeypatch.setattr(estimate, "about", str)
    one, four = (
        set_up(tiny(shared_pairs, training={"steps": 10**4, "accumulate": count}), Reporter()) for count in (1, 4)
    )
    seconds = [float(estimated(setup).partition(" on")[0]) for setup in (one, four)]
    assert seconds[1] == pytest.approx(4 * seconds[0])
