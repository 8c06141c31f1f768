"""Learning rates over a run, against torch's schedulers and the formulas of papers."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.optim import lr_scheduler

from i2i.config import merge
from i2i.errors import UsageError
from i2i.sections.training import Schedule
from i2i.training.schedules import check_warmup, factor_at

NAMES: list[dict[str, Any]] = [
    {"name": "constant"},
    {"name": "linear"},
    {"name": "cosine"},
    {"name": "step", "at": (3, 6)},
]


def factors(total: int = 12, **schedule: Any) -> list[float]:
    return [factor_at(Schedule(**schedule), step, total) for step in range(total)]


def of_torch(scheduler: type[lr_scheduler.LRScheduler], steps: int, **options: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    following, found = scheduler(optimizer, **options), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        following.step()
    return found


def test_cosine_is_half_a_cosine_that_reaches_zero_a_step_after_the_last() -> None:
    annealed = of_torch(lr_scheduler.CosineAnnealingLR, 13, T_max=13)
    assert factors(12, name="cosine") == pytest.approx(annealed[1:])
    late = factors(12, name="cosine", decay_start=0.5)
    assert late[:6] == [1.0] * 6
    assert late[6:] == pytest.approx([(1 + math.cos(math.pi * step / 7)) / 2 for step in range(1, 7)])


def test_step_is_multiplied_after_each_of_its_steps() -> None:
    expected = of_torch(lr_scheduler.MultiStepLR, 12, milestones=[3, 7], gamma=0.5)
    assert factors(12, name="step", at=(3, 7), factor=0.5) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", NAMES, ids=lambda schedule: schedule["name"])
def test_a_warm_up_rises_in_equal_parts_to_the_schedule(schedule: dict[str, Any]) -> None:
    without, warm = factors(**schedule), factors(**schedule, warmup=4)
    parts = [0.25, 0.5, 0.75, 1]
    assert warm[:4] == pytest.approx([factor * part for factor, part in zip(without[:4], parts, strict=True)])
    assert warm[4:] == without[4:]


@pytest.mark.parametrize("schedule", NAMES, ids=lambda schedule: schedule["name"])
def test_every_step_trains(schedule: dict[str, Any]) -> None:
    assert all(0 < factor <= 1 for factor in factors(**schedule, warmup=2))


@pytest.mark.parametrize("schedule", [NAMES[0], NAMES[3]], ids=lambda schedule: schedule["name"])
def test_a_longer_run_has_the_same_rates_at_the_same_steps(schedule: dict[str, Any]) -> None:
    assert factors(24, **schedule, warmup=3)[:12] == factors(12, **schedule, warmup=3)


@pytest.mark.parametrize("schedule", [{"name": "step"}, {"name": "linear", "at": [5]}])
def test_steps_and_the_schedule_that_reads_them_go_together(schedule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Say both"):
        Schedule(**schedule)


def test_steps_do_not_go_over_to_another_schedule() -> None:
    layers: list[dict[str, Any]] = [{"schedule": {"name": "step", "at": [5], "warmup": 2}}]
    assert merge([*layers, {"schedule": {"name": "cosine"}}])["schedule"] == {"name": "cosine", "warmup": 2}
    assert merge([*layers, {"schedule": {"factor": 0.5}}])["schedule"]["at"] == [5]


def test_a_warm_up_that_the_run_ends_in_is_refused() -> None:
    check_warmup(Schedule(warmup=11), 12)
    with pytest.raises(UsageError, match="the run has 12 steps"):
        check_warmup(Schedule(warmup=12), 12)
