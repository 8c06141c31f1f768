"""What the checks of losses and penalties pass and what they name: one planted bug a case."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Clock, Verdict
from i2i.testing import check_adversarial_loss, check_loss, check_penalty


def named(check: Callable[[Any], None], base: type[Any], **members: Any) -> str:
    """What a check says of a class with these members planted."""
    with pytest.raises(AssertionError) as error:
        check(type("Planted", (base,), members))
    return str(error.value)


class Distance(nn.Module):
    """Root of the mean square, with its gradient at 0."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return ((output - target).square().mean() + 1e-6).sqrt()


class Hinge:
    """Hinge loss."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


class HalfDone:
    """Has one of two methods."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean() - real_logits.mean()


def squares(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean((1, 2, 3))


class Right(nn.Module):
    """Share of the probability that is not at the class."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return 1 - (output.softmax(1) * target).sum(1).mean()


class Slope(nn.Module):
    """Squared slope at real images, at every third step but the first."""

    def forward(self, discriminator: Any, real: Tensor, _: Tensor, clock: Clock) -> Tensor | None:
        if clock.step % 3 != 1:
            return None
        seen = real.detach().requires_grad_()
        made = discriminator(seen)
        scales = made.logits if isinstance(made, Verdict) else [made]
        total = torch.stack([scale.sum() for scale in scales]).sum()
        (slope,) = torch.autograd.grad(total, seen, create_graph=True)
        return slope.square().sum()


class Pairs(Hinge):
    """Compares with real logits in both steps."""

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor) -> Tensor:  # type: ignore[override]
        return nn.functional.softplus(real_logits - fake_logits).mean()


def test_what_is_sound_passes() -> None:
    check_penalty(Slope)
    check_adversarial_loss(Pairs)
    check_loss(Right, of="classes")
    check_loss(Distance)
    check_adversarial_loss(Hinge)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (
            lambda _, output, target: (output - target).square().mean().sqrt(),
            "the gradient at the output where it equals the target is not finite.",
        ),
        (lambda _, output, target: squares(output, target), "the loss is of shape (2,), not ()."),
        (lambda _, output, target: -squares(output, target).mean(), "Turn the sign."),
        (lambda _, output, target: squares(output.detach(), target).mean(), "no gradient reaches the output."),
        (
            lambda _, output, target: squares(output.detach(), target).mean() + nn.Parameter(torch.zeros(())),
            "no gradient reaches the output.",
        ),
        (lambda _, output, target: 0.5, "the loss returns a float, not a tensor."),
    ],
)
def test_bug_of_a_loss_is_named(forward: Any, reason: str) -> None:
    assert reason in named(check_loss, Distance, forward=forward)


@pytest.mark.parametrize(
    ("method", "loss", "reason"),
    [
        ("generator_loss", lambda _, fake: -fake.sigmoid().log().mean(), "generator_loss() is not finite."),
        (
            "discriminator_loss",
            lambda _, real, fake: Hinge().discriminator_loss(fake, real),
            "discriminator_loss() is 4 where its side wins and 0 where it loses. Turn the sign.",
        ),
        (
            "generator_loss",
            lambda _, fake: fake.mean(),
            "generator_loss() is 1 where its side wins and -1 where it loses. Turn the sign.",
        ),
        (
            "discriminator_loss",
            lambda _, real, fake: (1 - real).relu().mean(),
            "no gradient reaches the logits of discriminator_loss().",
        ),
        ("generator_loss", lambda _, fake: -fake, "generator_loss() is of shape (2, 1, 3, 3), not ()."),
    ],
)
def test_bug_of_an_adversarial_loss_is_named(method: str, loss: Any, reason: str) -> None:
    assert reason in named(check_adversarial_loss, Hinge, **{method: loss})


def test_missing_method_of_an_adversarial_loss_is_named() -> None:
    assert "it has no method generator_loss()." in named(check_adversarial_loss, HalfDone)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda *_: None, "nothing is due at any of 1000 steps."),
        (lambda _, judge, real, fake, clock: judge(real).mean(), "'Verdict' object has no attribute 'mean'"),
        (lambda *_: torch.zeros(()), "no gradient reaches the discriminator."),
        (lambda *_: torch.zeros(2), "is of shape (2,), not ()."),
        (lambda *_: 0.5, "returns a float, not a tensor."),
        (
            lambda _, judge, real, fake, clock: (
                sum(p.square().sum() for p in judge.parameters()) + 0 * real.requires_grad_().sum()
                if isinstance(judge, nn.Module)
                else logits(judge(real))
            ),
            "Detach them first.",
        ),
    ],
)
def test_bug_of_a_penalty_is_named(forward: Any, reason: str) -> None:
    assert reason in named(check_penalty, Slope, forward=forward)


def logits(verdict: Verdict) -> Tensor:
    return torch.stack([scale.mean() for scale in verdict.logits]).sum()


def test_comparing_loss_of_the_wrong_sign_is_named() -> None:
    def turned(_: Any, fake_logits: Tensor, real_logits: Tensor) -> Tensor:
        return nn.functional.softplus(fake_logits - real_logits).mean()

    assert "generator_loss() is" in named(check_adversarial_loss, Pairs, generator_loss=turned)


def test_loss_of_classes_of_the_wrong_sign_is_named() -> None:
    def turned(_: Any, output: Tensor, target: Tensor) -> Tensor:
        return (output.softmax(1) * target).sum(1).mean()

    assert "Turn the sign." in named(lambda cls: check_loss(cls, of="classes"), Right, forward=turned)
