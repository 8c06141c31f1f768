"""Losses against torch's own and values worked by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from i2i_pix2pix import L1, L2, LeastSquares, NonSaturating


@pytest.fixture
def logits() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return 3 * torch.randn(2, 1, 5, 4), 3 * torch.randn(2, 1, 5, 4)


@pytest.mark.parametrize(
    ("ours", "criterion"), [(NonSaturating(), nn.BCEWithLogitsLoss()), (LeastSquares(), nn.MSELoss())]
)
def test_losses_are_distances_to_one_and_zero(
    ours: NonSaturating | LeastSquares, criterion: nn.Module, logits: tuple[Tensor, Tensor]
) -> None:
    real, fake = logits
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    half = (criterion(real, ones) + criterion(fake, zeros)) / 2
    torch.testing.assert_close(ours.discriminator_loss(real, fake), half)
    torch.testing.assert_close(ours.generator_loss(fake), criterion(fake, ones))


def test_undecided_discriminator_costs_log_2() -> None:
    undecided = torch.zeros(1, 1, 30, 30)
    assert NonSaturating().discriminator_loss(undecided, undecided).item() == pytest.approx(math.log(2))
    assert NonSaturating().generator_loss(undecided).item() == pytest.approx(math.log(2))


def test_gradient_does_not_vanish_while_the_discriminator_wins() -> None:
    fake = torch.tensor([-50.0], requires_grad=True)
    NonSaturating().generator_loss(fake).backward()
    assert fake.grad is not None
    assert fake.grad.item() == pytest.approx(-1)


def test_pixel_losses_are_means_over_every_value() -> None:
    output, target = torch.tensor([[[[1.0, -1.0]]], [[[0.5, 0.0]]]]), torch.zeros(2, 1, 1, 2)
    assert L1()(output, target).item() == pytest.approx((1 + 1 + 0.5) / 4)
    assert L2()(output, target).item() == pytest.approx((1 + 1 + 0.25) / 4)
