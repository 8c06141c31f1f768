"""Spectral norm of the discriminator: its slope, its state, and two calls in a step."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.system.unfilled import unfilled
from i2i.testing import check_discriminator
from i2i_pix2pix import PatchGAN

SMALL: dict[str, Any] = {"layers": 1, "base_channels": 4, "spectral": True}


def image(seed: int) -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def step(network: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    """One step on a loss of two calls, as methods have it."""
    loss = network(image(seed)).square().mean() - network(image(seed + 1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def trained(network: nn.Module, steps: range) -> nn.Module:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for number in steps:
        step(network, optimizer, number)
    return network


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_discriminator_keeps_the_contract(norm: str) -> None:
    check_discriminator(PatchGAN, {**SMALL, "norm": norm}, size=32)


def test_every_convolution_stretches_by_one_at_most() -> None:
    torch.manual_seed(0)
    network = trained(PatchGAN(3, norm="none", **SMALL), range(20)).eval()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 3
    for convolution in convolutions:
        assert torch.linalg.svdvals(convolution.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.02)


def test_without_it_no_tensor_changes_its_name() -> None:
    plain = PatchGAN(3, layers=1, base_channels=4)
    assert not [name for name in plain.state_dict() if "parametrizations" in name]


def test_it_goes_on_to_the_bit_from_its_state() -> None:
    whole, half = (trained(PatchGAN(3, **SMALL), range(0)) for _ in range(2))
    half.load_state_dict(whole.state_dict())
    trained(half, range(3))
    with unfilled("it"):
        resumed = PatchGAN(3, **SMALL)
    state = {name: value.clone() for name, value in half.state_dict().items()}
    resumed.load_state_dict(state, strict=True, assign=True)
    trained(resumed, range(3, 6))
    trained(whole, range(6))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_copy_shares_nothing() -> None:
    network = PatchGAN(3, **SMALL)
    twin = copy.deepcopy(network)
    before = twin.eval()(image(0))
    trained(network, range(2))
    assert torch.equal(twin(image(0)), before)
