"""Adversarial losses against torch's own and values worked by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from i2i_losses import Hinge, LeastSquares, NonSaturating, Relativistic


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


def test_hinge_costs_what_is_within_its_margins() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, -0.25, 1.0])
    assert Hinge().discriminator_loss(real, fake).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 0.75 + 2) / 3)
    assert Hinge().generator_loss(fake).item() == pytest.approx(2.25 / 3)


def test_relativistic_loss_judges_pairs_and_not_levels(logits: tuple[Tensor, Tensor]) -> None:
    real, fake = logits
    loss, ones = Relativistic(), torch.ones_like(real)
    discriminators = nn.BCEWithLogitsLoss()(real - fake, ones)
    torch.testing.assert_close(loss.discriminator_loss(real, fake), discriminators)
    torch.testing.assert_close(loss.discriminator_loss(real + 7, fake + 7), discriminators)
    torch.testing.assert_close(loss.generator_loss(fake, real), nn.BCEWithLogitsLoss()(fake - real, ones))
    assert loss.generator_loss(fake, fake).item() == pytest.approx(math.log(2))
