"""What the checks of losses pass and what they name: one planted bug a case."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.testing import check_adversarial_loss, check_loss


class Distance(nn.Module):
    """Root of the mean square, with its gradient at 0."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return ((output - target).square().mean() + 1e-6).sqrt()


class Root(Distance):
    """Has no gradient at 0."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean().sqrt()


class PerImage(Distance):
    """Gives a figure an image."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Upside(Distance):
    """Rewards difference."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return -super().forward(output, target)


class Detached(Distance):
    """Leaves autograd."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output.detach(), target)


class WrongSide(Distance):
    """Has a gradient, but not of the output."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output.detach(), target) + nn.Parameter(torch.zeros(()))


class Number(Distance):
    """Returns a float."""

    def forward(self, output: Tensor, target: Tensor) -> Any:
        return 0.5


def test_sound_loss_passes() -> None:
    check_loss(Distance)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Root, "the gradient at the output where it equals the target is not finite."),
        (PerImage, "the loss is of shape (2,), not ()."),
        (Upside, "Turn the sign."),
        (Detached, "no gradient reaches the output."),
        (WrongSide, "no gradient reaches the output."),
        (Number, "the loss returns a float, not a tensor."),
    ],
)
def test_bug_of_a_loss_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_loss(cls)
    assert reason in str(error.value)


class Hinge:
    """Hinge loss."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


class Overflows(Hinge):
    """Takes the logarithm of a sigmoid that is 0."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.sigmoid().log().mean()


class Swapped(Hinge):
    """Takes real for fake."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return super().discriminator_loss(fake_logits, real_logits)


class Helps(Hinge):
    """Trains the generator to be caught."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean()


class OnlyReal(Hinge):
    """Does not look at fakes."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (1 - real_logits).relu().mean()


class Mapped(Hinge):
    """Gives a map."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits


class HalfDone:
    """Has one of two methods."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean() - real_logits.mean()


def test_sound_adversarial_loss_passes() -> None:
    check_adversarial_loss(Hinge)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Overflows, "generator_loss() is not finite."),
        (Swapped, "discriminator_loss() is 4 where its side wins and 0 where it loses. Turn the sign."),
        (Helps, "generator_loss() is 1 where its side wins and -1 where it loses. Turn the sign."),
        (OnlyReal, "no gradient reaches the logits of discriminator_loss()."),
        (Mapped, "generator_loss() is of shape (2, 1, 3, 3), not ()."),
        (HalfDone, "it has no method generator_loss()."),
    ],
)
def test_bug_of_an_adversarial_loss_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_adversarial_loss(cls)
    assert reason in str(error.value)
