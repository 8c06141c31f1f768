"""Steps that compute blocks again against the same steps without."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from i2i.contracts import Image, Recipe, Update, Wire
from i2i.fields import Fields
from i2i.training.recompute import Recomputing, blocks_of
from i2i.training.updates import Updater


def layers(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.Dropout())


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = layers(4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = image + self.inner(image)
        return result


class Network(nn.Module):
    """All that keeps a state of its own: batch norm, dropout, spectral norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 1)
        self.down = nn.ModuleList([layers(4), layers(4)])
        self.body = nn.Sequential(Residual(), Residual())
        self.last = nn.Sequential(spectral_norm(nn.Conv2d(4, 4, 3, padding=1)), nn.ReLU(), nn.Conv2d(4, 2, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        image = self.first(image)
        for layer in self.down:
            image = layer(image)
        result: torch.Tensor = self.last(self.body(image))
        return result


class Penalised(Recipe):
    """Runs a network twice before its update, and differentiates a gradient (R1)."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> dict[str, Wire]:
        return {}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        real = target.clone().requires_grad_()
        output = self.network(real)
        (slope,) = torch.autograd.grad(output.sum(), real, create_graph=True)
        fake = self.network(source)
        real_loss, fake_loss = output.square().sum(), (fake - target).abs().sum()
        yield Update("network", {"r1": slope.square().sum(), "real": real_loss, "fake": fake_loss})


def trained(
    context: Callable[[Recipe], Any], dtype: torch.dtype, side: int, steps: int = 3
) -> tuple[Recipe, list[float]]:
    torch.manual_seed(0)
    recipe = Penalised().to(dtype)
    updater = Updater(recipe, {"lr": 0.01})
    batch = {name: torch.rand(2, 2, side, side, dtype=dtype) for name in ("source", "target")}
    losses = []
    for _ in range(steps):
        with context(recipe):
            losses += [loss.item() for loss in updater.step(**batch).losses.values()]
    return recipe, losses


@pytest.mark.parametrize("side", [4, 12], ids=["as products", "as convolutions"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_steps_are_the_same_with_noise_norms_and_second_derivatives(dtype: torch.dtype, side: int) -> None:
    plain, losses = trained(lambda recipe: nullcontext(), dtype, side)
    drawn = torch.get_rng_state()
    again, others = trained(lambda recipe: Recomputing(recipe.children()), dtype, side)
    assert others == losses
    assert torch.equal(torch.get_rng_state(), drawn)
    assert plain.state_dict().keys() == again.state_dict().keys()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def kept_bytes(recipe: Recipe) -> int:
    """What the graph of a step keeps, each memory once, weights left out."""
    own = {p.untyped_storage().data_ptr() for p in recipe.parameters()}
    kept = dict[int, Any]()

    def keep(value: torch.Tensor) -> torch.Tensor:
        if value.untyped_storage().data_ptr() not in own:
            kept[value.untyped_storage().data_ptr()] = value.untyped_storage()
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        output: Any = recipe.get_submodule("network")(torch.rand(1, 2, 32, 32))
    assert output.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


def test_blocks_keep_what_they_are_given_alone() -> None:
    recipe, image = Penalised(), 4 * 32 * 32 * 4
    whole = kept_bytes(recipe)
    with Recomputing(recipe.children()):
        kept = kept_bytes(recipe)
    assert kept < 7 * image < whole  # five blocks and the input of the first layer
    assert kept_bytes(recipe) == pytest.approx(whole, rel=0.05)


def test_blocks_are_parts_with_layers_and_none_lies_in_another() -> None:
    network = Network()
    assert [*blocks_of(network)] == [*network.down, *network.body, network.last]


def test_nothing_of_a_network_is_changed_and_it_runs_without_gradients_as_ever() -> None:
    network = Network().eval()
    before = [dict(vars(module)) for module in network.modules()]
    with Recomputing([network]), torch.no_grad():
        inside = network(torch.ones(1, 2, 4, 4))
    assert [dict(vars(module)) for module in network.modules()] == before
    assert torch.equal(inside, network(torch.ones(1, 2, 4, 4)))


def test_a_gradient_through_weights_that_were_updated_since_is_refused() -> None:
    network = Network()
    with Recomputing([network]):
        loss = network(torch.ones(1, 2, 4, 4)).sum()
        with torch.no_grad():
            network.down[0][1].weight.add_(1)  # type: ignore[index]
        with pytest.raises(RuntimeError, match=r"before an update of weights"):
            loss.backward()
