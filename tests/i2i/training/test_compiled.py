"""What compiling networks costs is said, and only steps compute by what was compiled."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from i2i.errors import UsageError
from i2i.training.compiled import FIRST, SETTLED, TIMED, Compiling

CPU = torch.device("cpu")
EAGER: Callable[..., Any] = lambda function: torch.compile(function, backend="eager", dynamic=False)  # noqa: E731


def steps(compiling: Compiling, network: nn.Module, count: int) -> list[torch.Tensor]:
    made = []
    for _ in range(count):
        with compiling.step():
            made.append(network(torch.ones(1, 2)))
    return made


def test_compiled_networks_compute_the_same_and_are_left_as_they_were() -> None:
    network, said = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), list[str]()
    with torch.no_grad():
        made = steps(Compiling([network], CPU, 1000, said.append, EAGER), network, SETTLED + 2)
    assert all(torch.equal(each, made[0]) for each in made)
    assert len(said) == 1
    assert said[0].startswith("Compiling took ")
    assert "forward" not in vars(network)
    copy.deepcopy(network)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (
            2.0,
            1.0,
            "a step takes 1e+03 ms instead of 2e+03 ms: it pays after 30 steps, and 987 are made so.",
        ),
        (1.0, 2.0, "it does not pay. Say training.compile=false."),
    ],
)
def test_the_line_says_after_how_many_steps_compiling_pays(
    monkeypatch: pytest.MonkeyPatch, before: float, after: float, verdict: str
) -> None:
    starts = [0.0, TIMED * before, TIMED * before + 30 + FIRST * after, TIMED * before + 30 + (FIRST + TIMED) * after]
    times = iter(starts)
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    network, said = nn.Linear(2, 2), list[str]()
    steps(Compiling([network], CPU, 1000, said.append, lambda function: function), network, SETTLED + 1)
    assert said[0].endswith(verdict)


def test_a_network_that_cannot_be_compiled_is_one_line() -> None:
    def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True, backend="eager")

    class Odd(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            torch._dynamo.graph_break()
            return image

    network = Odd()
    with pytest.raises(UsageError, match=r"Say training\.compile=false\."):
        steps(Compiling([network], CPU, 100, pytest.fail, refusing), network, SETTLED)
    assert "forward" not in vars(network)
