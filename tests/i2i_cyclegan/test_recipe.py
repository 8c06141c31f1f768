"""The recipe against sections 3 and 4 of the paper: the same weights as the loop written out in plain torch."""

import copy
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.assembly import assemble
from i2i.errors import UsageError
from i2i.fields import Field, Fields
from i2i.selection import select
from i2i.testing import check_recipe
from i2i.training.updates import Updater
from i2i_cyclegan import CycleGAN
from i2i_cyclegan.pool import ImagePool

# without norms, before which the gradient of a bias is nothing but rounding, which Adam makes steps of
RESNET = {"blocks": 1, "base_channels": 4, "norm": "none"}
PATCHGAN = {"layers": 1, "base_channels": 4, "norm": "none"}
SMALL = {
    "generator": RESNET,
    "generator_back": RESNET,
    "discriminator": PATCHGAN,
    "discriminator_back": PATCHGAN,
}
NETWORKS = list(SMALL)


def build(channels: tuple[int, int] = (3, 3), **options: Any) -> Any:
    source, target = (Field(channels=count, group=name) for count, name in zip(channels, "st", strict=True))
    fields = Fields({"source": source, "target": target}, (16, 16))
    torch.manual_seed(0)
    return assemble(select("cyclegan", options, SMALL, fields), fields)


def batches() -> list[dict[str, Tensor]]:
    """Draw what three steps are given."""
    drawn = torch.Generator().manual_seed(1)
    names = ("source", "target")
    return [{name: torch.rand(1, 3, 16, 16, generator=drawn) * 2 - 1 for name in names} for _ in range(3)]


def textbook(networks: dict[str, nn.Module], identity: float) -> None:
    """Three steps of the objective as the paper has it, with pools that never fill."""
    g, f, d_target, d_source = (networks[name] for name in NETWORKS)
    adam: dict[str, Any] = {"lr": 2e-4, "betas": (0.5, 0.999)}
    of_generators = torch.optim.Adam(itertools.chain(g.parameters(), f.parameters()), **adam)
    of_critics = [torch.optim.Adam(critic.parameters(), **adam) for critic in (d_target, d_source)]

    def squared(logits: Tensor, wanted: float) -> Tensor:
        return ((logits - wanted) ** 2).mean()

    def distance(one: Tensor, other: Tensor) -> Tensor:
        return (one - other).abs().mean()

    for batch in batches():
        x, y = batch["source"], batch["target"]
        fake_y, fake_x = g(x), f(y)
        loss = squared(d_target(fake_y), 1) + squared(d_source(fake_x), 1)
        loss = loss + 10 * (distance(f(fake_y), x) + distance(g(fake_x), y))
        loss = loss + identity * 10 * (distance(g(y), y) + distance(f(x), x))
        of_generators.zero_grad()
        loss.backward()
        of_generators.step()
        for critic, optimizer, real, fake in zip(
            (d_target, d_source), of_critics, (y, x), (fake_y, fake_x), strict=True
        ):
            optimizer.zero_grad()
            ((squared(critic(real), 1) + squared(critic(fake.detach()), 0)) / 2).backward()
            optimizer.step()


@pytest.mark.parametrize("identity", [0.5, 0.0])
def test_three_steps_equal_the_textbook_loop(identity: float) -> None:
    recipe = build(identity_weight=identity)
    networks = {name: copy.deepcopy(recipe.get_submodule(name)) for name in NETWORKS}
    before = {name: weight.clone() for name, weight in recipe.named_parameters()}
    updater = Updater(recipe, {"lr": 2e-4, "betas": [0.5, 0.999]})
    for batch in batches():
        updater.step(**batch)
    textbook(networks, identity)
    for part, network in networks.items():
        for name, weight in network.named_parameters():
            ours = recipe.get_submodule(part).get_parameter(name)
            torch.testing.assert_close(ours, weight, rtol=1e-5, atol=1e-6, msg=f"{part}.{name}")
            assert not torch.equal(ours, before[f"{part}.{name}"]), f"{part}.{name} was never trained"


def test_generators_are_updated_jointly_and_before_the_discriminators() -> None:
    losses = Updater(build(), {"lr": 2e-4}).step(**batches()[0]).losses
    names = ["gan", "gan_back", "cycle", "cycle_back", "identity", "identity_back"]
    joint = [f"generator+generator_back/{name}" for name in names]
    assert list(losses) == [*joint, "discriminator/gan", "discriminator_back/gan"]


def test_it_keeps_the_contract() -> None:
    check_recipe(CycleGAN, parts=SMALL, options={"identity_weight": 0}, size=(16, 16))
    equal = {"source": Field(channels=2), "target": Field(channels=2)}
    check_recipe(CycleGAN, parts=SMALL, fields=equal, size=(16, 16))


def test_identity_of_other_channels_is_refused() -> None:
    with pytest.raises(UsageError, match=r"these have 3 and 1 channels. Set recipe.identity_weight=0"):
        build((1, 3))
    recipe = build((1, 3), identity_weight=0)
    assert recipe.generator_back(torch.zeros(1, 3, 8, 8)).shape == (1, 1, 8, 8)
    assert recipe.discriminator_back(torch.zeros(1, 1, 16, 16)).shape[1] == 1


def test_networks_are_the_papers() -> None:
    chosen = select("cyclegan", {}, {})
    generator, critic = chosen.network("generator").options, chosen.network("discriminator_back").options
    assert (generator["blocks"], generator["base_channels"], generator["norm"]) == (9, 64, "instance")
    assert (critic["layers"], critic["base_channels"], critic["norm"]) == (3, 64, "instance")
    assert chosen.recipe.options == {"identity_weight": 0.5, "pool": 50}
    fields = Fields({"source": Field(channels=3), "target": Field(channels=3)}, (256, 256))
    recipe = assemble(chosen, fields)
    counts = [sum(p.numel() for p in recipe.get_submodule(name).parameters()) for name in NETWORKS]
    assert counts == [11_378_179, 11_378_179, 2_764_737, 2_764_737]  # of the original code, printed when it starts


class Pool:
    """The paper's history of images as plain Python: a list, of which half of the time one is swapped."""

    def __init__(self, size: int, draw: Callable[[], int]) -> None:
        self.size, self.draw, self.images = size, draw, list[float]()

    def __call__(self, image: float) -> float:
        if len(self.images) < self.size:
            self.images.append(image)
            return image
        place = self.draw()
        if place >= self.size:
            return image
        old, self.images[place] = self.images[place], image
        return old


def test_pool_is_a_list_of_which_half_of_the_time_one_is_swapped() -> None:
    torch.manual_seed(3)
    pool = ImagePool(4)
    shown = [float(pool(torch.full((1, 1, 2, 2), float(number))).mean()) for number in range(60)]
    torch.manual_seed(3)
    reference = Pool(4, lambda: int(torch.randint(8, ())))
    assert shown == [reference(float(number)) for number in range(60)]
    assert pool.kept.mean((1, 2, 3)).tolist() == reference.images


def test_pool_shows_old_fakes_about_half_of_the_time_and_each_once() -> None:
    torch.manual_seed(random.Random(0).randrange(1000))
    pool = ImagePool(10)
    shown = [float(fake) for fake in pool(torch.arange(1000.0)[:, None, None, None]).flatten()]
    old = [fake for number, fake in enumerate(shown) if fake != number]
    assert 0.45 < len(old) / 990 < 0.55
    assert len(set(old)) == len(old)


def test_pool_of_none_shows_all_and_lets_no_gradient_through() -> None:
    fakes = torch.rand(3, 1, 2, 2, requires_grad=True)
    for size in (0, 2):
        shown = ImagePool(size)(fakes)
        assert not shown.requires_grad
        assert torch.equal(shown[:2], fakes[:2])
