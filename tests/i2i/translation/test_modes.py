"""Modes: right by torch's own arithmetic, and no call changes anything that another one sees."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from i2i.config import Mode
from i2i.translation.modes import in_mode, inference

MODES: tuple[Mode, ...] = get_args(Mode)
IMAGE = torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 8, 8)
IMAGES = [torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(40)]


class Network(nn.Module):
    """A convolution, batch norm, dropout and a convolution, with running averages of something else."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.noise, self.last = nn.Dropout(0.5), nn.Conv2d(8, 3, 1)
        self(IMAGE * 3)
        nn.init.normal_(self.norm.weight)

    def forward(self, image: Tensor) -> Tensor:
        output: Tensor = self.last(self.noise(self.norm(self.first(image))))
        return output


def run(form: nn.Module, image: Tensor, seed: int = 0) -> Tensor:
    with inference(seed):
        output: Tensor = form(image)
    return output


def by_hand(network: Network, mode: Mode, image: Tensor, seed: int) -> Tensor:
    """The same by torch's functions, after its documentation."""
    x, norm = network.first(image), network.norm
    averages = (norm.running_mean, norm.running_var) if mode == "running" else (None, None)
    x = functional.batch_norm(x, *averages, norm.weight, norm.bias, training=mode != "running", eps=norm.eps)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        output: Tensor = network.last(functional.dropout(x, 0.5, training=mode == "paper"))
    return output.detach()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("training", [True, False])
def test_each_mode_is_what_torch_computes(mode: Mode, training: bool) -> None:
    network = Network().train(training)
    for seed in (0, 5):
        assert torch.equal(run(in_mode(network, mode), IMAGE, seed), by_hand(network, mode, IMAGE, seed))
    changes = not torch.equal(run(in_mode(network, mode), IMAGE, 5), run(in_mode(network, mode), IMAGE, 6))
    assert changes == (mode == "paper")


def test_batch_statistics_are_those_of_the_textbook() -> None:
    network = Network()
    x = network.first(IMAGE).detach()
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    scale, shift = (value.detach().reshape(1, 8, 1, 1) for value in (network.norm.weight, network.norm.bias))
    expected = network.last((x - mean) / (variance + 1e-5).sqrt() * scale + shift)
    assert torch.allclose(run(in_mode(network, "deterministic"), IMAGE), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_changes_neither_network_nor_form_nor_the_global_generator(mode: Mode) -> None:
    network = Network()
    form = in_mode(network, mode)
    before = [{name: value.clone() for name, value in each.state_dict().items()} for each in (network, form)]
    flags = [[module.training for module in each.modules()] for each in (network, form)]
    torch.manual_seed(3)
    generator = torch.get_rng_state()
    run(form, IMAGE)
    assert torch.equal(torch.get_rng_state(), generator)
    for each, values, was in zip((network, form), before, flags, strict=True):
        assert [module.training for module in each.modules()] == was
        assert all(torch.equal(value, values[name]) for name, value in each.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in form.parameters())


def test_a_form_follows_the_training_of_its_network_and_takes_no_memory_of_its_own() -> None:
    network = Network()
    form = in_mode(network, "running")
    with torch.no_grad():
        for value in (*network.parameters(), *network.buffers()):
            value.add_(1)
    assert torch.equal(run(form, IMAGE), by_hand(network, "running", IMAGE, 0))
    theirs = {name: value.data_ptr() for name, value in network.state_dict().items()}
    assert {name: value.data_ptr() for name, value in form.state_dict().items()} == theirs


def test_modes_of_one_network_run_side_by_side_in_threads() -> None:
    network = Network()
    forms = [in_mode(network, mode) for mode in MODES]
    jobs = [(form, image) for image in IMAGES for form in forms]
    serial = [run(*job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda job: run(*job), jobs))
    assert all(map(torch.equal, serial, threaded))


DRAWING: dict[str, Callable[[Tensor], Tensor]] = {
    "dropout": lambda x: nn.Dropout(0.3)(x),
    "dropout in place": lambda x: nn.Dropout(0.3, inplace=True)(x.clone()),
    "of channels": lambda x: nn.Dropout2d(0.3)(x),
    "alpha": lambda x: nn.AlphaDropout(0.3)(x),
    "alpha of channels": lambda x: nn.FeatureAlphaDropout(0.3)(x),
    "everything": lambda x: nn.Dropout(1)(x),
    "nothing": lambda x: nn.Dropout(0)(x),
    "randn": lambda x: x + torch.randn(x.shape),
    "rand_like": lambda x: x + torch.rand_like(x),
    "randn_like": lambda x: x + torch.randn_like(x),
    "normal_": lambda x: x.new_empty(x.shape).normal_(),
    "bernoulli": lambda x: torch.bernoulli(torch.full_like(x, 0.3)),
    "permutation": lambda x: x.flatten()[torch.randperm(x.numel())],
}


@pytest.mark.parametrize("name", DRAWING)
def test_noise_is_that_of_the_seed_whatever_draws_it(name: str) -> None:
    image = torch.rand(2, 5, 4, 4) + 1
    torch.manual_seed(11)
    expected = DRAWING[name](image)
    generator = torch.get_rng_state()
    with inference(11):
        first, second = DRAWING[name](image), DRAWING[name](image)
    assert torch.equal(first, expected)
    assert torch.equal(second, expected) == (name in ("everything", "nothing"))
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("mode", MODES)
def test_a_form_is_exported_as_it_runs(mode: Mode) -> None:
    form = in_mode(Network(), mode)
    exported = torch.export.export(form, (IMAGE,)).module()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(4)  # a program of torch's own draws as torch does
        assert torch.equal(exported(IMAGES[0]), run(form, IMAGES[0], 4))


def test_tied_weights_and_spectral_norm_stay_what_they_are() -> None:
    first, last = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    last.weight = first.weight
    network = nn.Sequential(first, nn.utils.spectral_norm(nn.Conv2d(3, 3, 1)), last)
    network(IMAGE)
    form = in_mode(network, "running")
    assert form.get_parameter("0.weight") is form.get_parameter("2.weight")
    assert torch.equal(run(form, IMAGE), network.eval()(IMAGE).detach())
