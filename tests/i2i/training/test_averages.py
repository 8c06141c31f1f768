"""Running averages of weights against the same sum in a loop."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from i2i.contracts import Image, Recipe, Update, Wire
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.sections.networks import Average, Power
from i2i.training.averages import Averages, exponent_of
from i2i.training.updates import Updater

BATCH = {"source": torch.rand(2, 1, 4, 4), "target": torch.rand(2, 1, 4, 4)}


class Tied(nn.Module):
    """Two names of one weight, a layer with running statistics, and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm2d(1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.norm(self.second(self.first(image)))
        return result


class Several(Recipe):
    """Updates one network alone, and two of three jointly."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.one: Any = Tied()
        self.two: Any = nn.Conv2d(1, 1, 1)
        self.three: Any = nn.Conv2d(1, 1, 1)

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> dict[str, Wire]:
        return {}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        yield Update("three", {"x": self.three(source).square().mean()})
        yield Update(("one", "two"), {"x": (self.two(self.one(source)) - target).abs().mean()})


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_averages_follow_the_steps_of_their_networks() -> None:
    recipe, decays = Several(), {"one": 0.5, "two": 0.75, "three": 0.0}
    expected = {name: weights(recipe.get_submodule(name)) for name in decays}
    updater = Updater(recipe, {"lr": 0.1}, decays)
    for _ in range(4):
        updater.step(**BATCH)
        for name, decay in decays.items():
            for key, value in weights(recipe.get_submodule(name)).items():
                expected[name][key] = decay * expected[name][key] + (1 - decay) * value
    for name in decays:
        applied = dict(updater.averages.applied(name).named_parameters())
        for key, value in applied.items():
            torch.testing.assert_close(value, expected[name][key])
            assert not value.requires_grad
        own = weights(recipe.get_submodule(name))
        assert (name == "three") == all(torch.equal(value, own[key]) for key, value in applied.items())


def test_a_network_with_its_average_has_all_else_as_the_network_has_it_and_leaves_that_alone() -> None:
    recipe = Several()
    updater = Updater(recipe, {"lr": 0.1}, {"one": 0.9})
    updater.step(**BATCH)
    before = weights(recipe.one)
    applied: Any = updater.averages.applied("one")
    assert torch.equal(applied.norm.running_mean, recipe.one.norm.running_mean)
    assert applied.norm.num_batches_tracked == 1
    assert applied.first.weight is applied.second.weight
    assert not torch.equal(applied.first.weight, recipe.one.first.weight)
    updater.step(**BATCH)  # the network goes on to be trained
    assert not torch.equal(recipe.one.first.weight, before["first.weight"])
    assert updater.averages.applied("two") is recipe.two


def test_an_average_counts_each_step_of_a_network_once_and_those_of_others_not() -> None:
    recipe = Several()
    averages = Averages(recipe, {"one": 0.5, "two": 0.5})
    before = weights(averages.applied("two"))
    with torch.no_grad():
        for parameter in recipe.parameters():
            parameter.add_(1)
    averages.follow("one")
    averages.follow("three")
    assert all(torch.equal(value, before[name]) for name, value in weights(averages.applied("two")).items())
    averages.follow("two")
    for name, value in weights(averages.applied("two")).items():
        torch.testing.assert_close(value, before[name] + 0.5)


def test_an_average_of_a_network_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"average: no network 'on'. Did you mean 'one'\? Networks: one, two, three"):
        Updater(Several(), {}, {"on": 0.9})


@pytest.mark.parametrize("width", [0.28, 0.1, 0.05, 0.01])
def test_the_power_function_has_the_width_that_was_said(width: float) -> None:
    exponent = exponent_of(width)
    time = np.linspace(0, 1, 200_001)
    profile = time**exponent / np.sum(time**exponent)  # Karras et al. 2024, equation 1
    mean = np.sum(profile * time)
    assert np.sqrt(np.sum(profile * (time - mean) ** 2)) == pytest.approx(width, rel=1e-3)


def test_an_average_by_a_power_function_weighs_each_step_by_that_power_of_its_time() -> None:
    recipe, width = Several(), 0.2
    averages, seen = Averages(recipe, {"two": Power(width=width)}), []
    for _ in range(200):
        with torch.no_grad():
            recipe.two.weight.copy_(torch.rand(1, 1, 1, 1))
        averages.follow("two")
        seen.append(recipe.two.weight.item())
    # weights of a product of (1 - 1/t)^(gamma + 1): those of t^(gamma + 1) - (t - 1)^(gamma + 1), near t^gamma
    power = np.arange(201) ** (exponent_of(width) + 1)
    applied: Any = averages.applied("two")
    assert applied.weight.item() == pytest.approx(np.sum(np.diff(power) * seen) / power[-1], rel=1e-5)


def test_an_average_by_a_power_function_goes_on_to_the_bit_from_what_was_saved() -> None:
    recipe = Several()
    whole, resumed = (Averages(recipe, {"two": Power(width=0.1), "one": 0.5}) for _ in range(2))
    whole.follow("two")
    resumed.restore(copy.deepcopy(whole.weights), whole.steps)
    with torch.no_grad():
        recipe.two.weight.add_(1)
    whole.follow("two")
    resumed.follow("two")
    torch.testing.assert_close(resumed.weights, whole.weights, rtol=0, atol=0)
    assert resumed.steps == whole.steps == {"two": 2}


def test_the_section_has_decays_and_power_functions_by_network() -> None:
    section = Average.read({"one": 0.9, "two": {"width": 0.1}, "three": None, "use": False}, "average")
    assert section.decays == {"one": 0.9, "two": Power(width=0.1)}
    assert Average.read(section.model_dump(mode="json"), "average") == section
    assert section.without({"two", "three"}).decays == {"one": 0.9}
    with pytest.raises(UsageError, match="average"):
        Average.read({"two": {"width": 0.5}}, "average")
