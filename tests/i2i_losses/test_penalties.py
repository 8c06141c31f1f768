"""Penalties of discriminators whose slope is known, and when they are due."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Clock, Verdict
from i2i_losses import R1, R2
from i2i_pix2pix import PatchGAN

FIRST = Clock(0, 100, 0)


@pytest.fixture
def real() -> Tensor:
    return torch.tensor([[[[1.0, 2.0]]], [[[0.0, -3.0]]]])


@pytest.fixture
def fake() -> Tensor:
    return torch.tensor([[[[0.5, 0.5]]], [[[2.0, 0.0]]]])


def bowl(image: Tensor) -> Tensor:
    """Of slope 3 x at x, as a logit a pixel."""
    return 1.5 * image.square()


def value(penalty: Any, discriminator: Any, real: Tensor, fake: Tensor, clock: Clock = FIRST) -> float:
    paid: Tensor = penalty(discriminator, real, fake, clock)
    return paid.item()


def test_it_is_half_the_mean_squared_slope(real: Tensor, fake: Tensor) -> None:
    assert value(R1(every=1), bowl, real, fake) == pytest.approx(9 * ((1 + 4) + 9) / 2 / 2)
    assert value(R2(every=1), bowl, real, fake) == pytest.approx(9 * (0.5 + 4) / 2 / 2)


def test_scales_of_a_verdict_are_summed(real: Tensor, fake: Tensor) -> None:
    def verdict(image: Tensor) -> Verdict:
        return Verdict([bowl(image), image.mean((2, 3), keepdim=True)], [image])  # of slopes 3 x and 1/2

    assert value(R2(every=1), verdict, real, fake) == pytest.approx((2 * 2**2 + 6.5**2 + 0.5**2) / 2 / 2)


def test_a_step_that_pays_pays_for_all(real: Tensor, fake: Tensor) -> None:
    paid = [R1(every=4)(bowl, real, fake, Clock(step, 100, 0)) for step in range(8)]
    assert [number for number, each in enumerate(paid) if each is not None] == [0, 4]
    total = sum(each.item() for each in paid if each is not None)
    assert total == pytest.approx(8 * value(R1(every=1), bowl, real, fake))


def test_the_gradient_is_that_of_the_formula(real: Tensor, fake: Tensor) -> None:
    weight = torch.tensor(2.0, requires_grad=True)
    penalty = R1(every=1)(lambda image: weight * image, real, fake, FIRST)  # weight² over two pixels, halved
    assert penalty is not None
    penalty.backward()
    assert penalty.item() == pytest.approx(4)
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(4)
    assert real.grad is None
    assert not real.requires_grad


@pytest.mark.parametrize("spectral", [True, False])
def test_patchgan_learns_from_it_beside_a_loss(spectral: bool) -> None:
    torch.manual_seed(0)
    network = PatchGAN(3, layers=1, base_channels=4, norm="instance", spectral=spectral)
    real, fake = (torch.rand(2, 3, 16, 16) * 2 - 1 for _ in range(2))
    loss = nn.functional.softplus(network(fake) - network(real)).mean()
    terms = [penalty(every=1)(network, real, fake, FIRST) for penalty in (R1, R2)]
    assert all(term is not None and term.item() > 0 for term in terms)
    (loss + sum(term for term in terms if term is not None)).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
