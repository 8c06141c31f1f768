"""The recipe against its loop in plain torch, and its translator against ways that are known."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.assembly import assemble
from i2i.contracts import Clock
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.parameters import given_to
from i2i.selection import select
from i2i.testing import check_recipe
from i2i.training.updates import Updater
from i2i_bridge import Bridge
from i2i_bridge.recipe import cross

TINY = {"velocity": {"base_channels": 4, "depth": 1, "blocks": 1}}
ALIKE = Fields({"source": Field(channels=3), "target": Field(channels=3)}, (8, 8))
LABELS = Fields({"source": Field(channels=5, kind="ids"), "target": Field(channels=3)}, (8, 8))


def build(fields: Fields, **options: Any) -> Any:
    selection = select("bridge", options, TINY, fields)
    torch.manual_seed(0)
    return assemble(selection, fields)


def batches(fields: Fields) -> list[dict[str, Tensor]]:
    """Draw what three steps are given."""
    random = torch.Generator().manual_seed(1)
    found = []
    for _ in range(3):
        source = torch.rand(2, 3, 8, 8, generator=random) * 2 - 1
        target = torch.rand(2, 3, 8, 8, generator=random) * 2 - 1
        ids = torch.randint(5, (2, 8, 8), generator=random)
        found.append({"source": ids if fields["source"].kind == "ids" else source, "target": target})
    return found


@pytest.mark.parametrize(("fields", "start"), [(ALIKE, "source"), (ALIKE, "noise"), (LABELS, "noise")])
def test_three_steps_equal_the_textbook_loop(fields: Fields, start: str) -> None:
    recipe = build(fields, start=start, spread=0.7)
    network = copy.deepcopy(recipe.velocity)
    before = copy.deepcopy(network.state_dict())
    updater = Updater(recipe, {**Bridge.settings["optimizer"], "lr": 1e-3})
    torch.manual_seed(2)
    for batch in batches(fields):
        updater.step(**given_to(recipe.step, batch, fields, Clock(0, 3, 0)))

    torch.manual_seed(2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(0.9, 0.999), weight_decay=0)
    for batch in batches(fields):
        seen, x1 = batch["source"], batch["target"]
        if fields["source"].kind == "ids":
            seen = torch.eye(5)[seen].permute(0, 3, 1, 2)
        z = torch.randn(2, 3, 8, 8)
        t = torch.rand(2)
        x0 = seen + 0.7 * z if start == "source" else 0.7 * z
        xt = torch.stack([(1 - t[i]) * x0[i] + t[i] * x1[i] for i in range(2)])
        wrong = network(xt, t, seen) - (x1 - x0)
        optimizer.zero_grad()
        ((wrong**2).sum() / wrong.numel()).backward()
        optimizer.step()
    moved = 0
    for name, weight in recipe.velocity.state_dict().items():
        torch.testing.assert_close(weight, network.state_dict()[name], rtol=1e-4, atol=1e-6, msg=name)
        moved += not torch.equal(weight, before[name])
    assert moved == len(before)


class Known(nn.Module):
    """A velocity that a function of place, time and source gives."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function
        self.times: list[Tensor] = []

    def forward(self, place: Tensor, time: Tensor, source: Tensor) -> Tensor:
        self.times.append(time)
        made: Tensor = self.function(place, time[:, None, None, None], source)
        return made


@pytest.mark.parametrize("steps", [1, 2, 8])
@pytest.mark.parametrize("start", ["source", "noise"])
def test_a_constant_velocity_arrives_in_any_number_of_steps(steps: int, start: Any) -> None:
    source, noise, target = (torch.rand(2, 3, 4, 4) - 0.5 for _ in range(3))
    begin = 0.25 * noise + (source if start == "source" else 0)
    velocity = Known(lambda place, time, source: target - begin)
    made = cross(velocity, source, noise, start=start, spread=0.25, steps=steps)
    torch.testing.assert_close(made, target)
    assert torch.equal(torch.stack(velocity.times), torch.arange(steps)[:, None].expand(steps, 2) / steps)


def test_a_velocity_that_grows_with_time_is_followed_by_eulers_method() -> None:
    """Of v = t, four steps of a quarter make (0 + 1/4 + 2/4 + 3/4) / 4 = 3/8, where the integral is 1/2."""
    nothing = torch.zeros(1, 1, 2, 2)
    made = cross(Known(lambda place, time, source: time + 0 * place), nothing, nothing, steps=4)
    torch.testing.assert_close(made, torch.full_like(nothing, 3 / 8))


def test_what_leaves_the_range_of_images_is_cut_at_the_end_alone() -> None:
    nothing = torch.zeros(1, 1, 2, 2)
    made = cross(Known(lambda place, time, source: 6 * (0.5 - time) + 0 * place), nothing, nothing, steps=2)
    assert torch.equal(made, torch.ones_like(nothing))  # 1.5 on the way, then 1.5 + 0
    back = cross(
        Known(lambda place, time, source: torch.where(time < 0.5, 4, -3) + 0 * place), nothing, nothing, steps=2
    )
    assert torch.equal(back, torch.full_like(nothing, 0.5))  # 2 on the way


def test_each_noise_has_its_own_target_and_none_has_one() -> None:
    recipe = build(ALIKE)
    source, first, second = torch.rand(3, 1, 3, 8, 8) * 2 - 1
    made = [cross(recipe.velocity, source, noise, spread=0.5) for noise in (first, second, first)]
    assert not torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert torch.equal(*(cross(recipe.velocity, source, noise, spread=0) for noise in (first, second)))


def test_defaults_are_those_of_the_papers() -> None:
    selection = select("bridge", {}, {})
    assert selection.recipe.options == {"start": "source", "spread": 0.5}
    assert selection.network("velocity").name == "unet"
    assert Bridge.settings["optimizer"] == {"name": "adamw", "lr": 1e-4, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (Field(channels=1), Field(channels=3), r"of 1 channels .* recipe\.start=noise"),
        (Field(channels=3, kind="ids"), Field(channels=3), r"is class ids of 3 channels"),
        (Field(channels=3), Field(channels=3, kind="ids"), "makes images, and the target is class ids"),
    ],
)
def test_a_way_that_cannot_begin_or_end_there_is_refused(source: Field, target: Field, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        select("bridge", {}, {}, Fields({"source": source, "target": target}, (8, 8)))


@pytest.mark.parametrize(("fields", "start"), [(ALIKE, "source"), (LABELS, "noise")], ids=["images", "classes"])
def test_it_keeps_the_contract_of_recipes(fields: Fields, start: str) -> None:
    check_recipe(Bridge, {"start": start}, TINY, fields=dict(fields), size=fields.size)
