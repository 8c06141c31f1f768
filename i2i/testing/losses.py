"""Checks of losses, adversarial losses and penalties."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from i2i.testing.basics import TARGET, blame, built, called, check_tensor, completed, images, require, seeded

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 1000
"""In which a penalty is due at least once."""


@seeded(0)
def check_loss(
    cls: type[Any], options: Mapping[str, Any] = {}, of: Literal["images", "classes", "output"] = "images"
) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Loss`: a finite scalar, least where it should be.

    Args:
        cls: The loss.
        options: What to build it with.
        of: What it looks at: ``images`` in [-1, 1], whose loss is least where they are equal; ``classes``, where the
            output is logits and the target one-hot; or the ``output`` alone, of which nothing is known.

    Raises:
        AssertionError: If it does not.
    """
    loss = built(cls, (), completed(cls, options))
    target = images(TARGET, 64, 64, seed=1) if of != "classes" else _one_hot(images(TARGET, 64, 64, seed=1))
    output = images(TARGET, 64, 64).requires_grad_()
    same = (target.clone() if of != "classes" else 10 * target).requires_grad_()
    different = _scalar("the loss", loss, output, target)
    _check_reached("the output", different, output)
    equal = _scalar("the loss of equal images", loss, same, target)
    lower = bool(equal < different) or of == "output"
    require(lower, f"equal images cost {equal:.4g}, others {different:.4g}. Turn the sign.")
    _check_reached("the output where it equals the target", equal, same)


def _one_hot(scores: Tensor) -> Tensor:
    import torch

    return torch.zeros_like(scores).scatter_(1, scores.argmax(1, keepdim=True), 1)


@seeded(0)
def check_adversarial_loss(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.AdversarialLoss`.

    Both losses are finite scalars however sure the discriminator is; its own falls as it tells real from fake, the
    generator's falls as fakes pass for real. A ``generator_loss`` of two parameters is given the real logits too.

    Raises:
        AssertionError: If it does not.
    """
    import torch

    loss = built(cls, (), completed(cls, options))
    for method in ("discriminator_loss", "generator_loss"):
        require(hasattr(loss, method), f"it has no method {method}().")
    for sureness in (1.0, 1000.0):
        high, low = (torch.full((2, 1, 3, 3), sign * sureness, requires_grad=True) for sign in (1, -1))
        _check_falls("discriminator_loss()", loss.discriminator_loss, worse=(low, high), better=(high, low))
        seen = len(inspect.signature(loss.generator_loss).parameters)
        _check_falls("generator_loss()", loss.generator_loss, worse=(low, high)[:seen], better=(high, low)[:seen])


@seeded(0)
def check_penalty(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Penalty`.

    It is due at some step before the thousandth, then a finite scalar whose gradient reaches the discriminator, takes
    logits and verdicts, and leaves the images as they are.

    Raises:
        AssertionError: If it does not.
    """
    import torch

    from i2i.contracts import Clock, Verdict

    penalty = built(cls, (), completed(cls, options))
    first = torch.nn.Conv2d(TARGET, 4, 3)
    judge = torch.nn.Sequential(first, torch.nn.Softplus(), torch.nn.Conv2d(4, 1, 3))
    real, fake = images(TARGET, 16, 16), images(TARGET, 16, 16, seed=1)

    def scales(image: Tensor) -> Verdict:
        return Verdict([judge(image), judge(image[..., ::2, ::2])], [image])

    with blame("the penalty"):
        due = next(
            (step for step in range(STEPS) if penalty(judge, real, fake, Clock(step, STEPS, 0)) is not None), None
        )
    require(due is not None, f"nothing is due at any of {STEPS} steps. Return a scalar at some.")
    clock = Clock(due or 0, STEPS, 0)
    for what, discriminator in (("logits", judge), ("a verdict", scales)):
        value = called(f"the penalty of {what}", lambda *seen, d=discriminator: penalty(d, *seen, clock), real, fake)
        check_tensor(f"the penalty of {what}", value, ())
        _check_reached("the discriminator", value, first.weight)
    alone = not real.requires_grad and not fake.requires_grad
    require(alone, "it asks the images of others for their gradient. Detach them first.")


def _check_falls(what: str, loss: Callable[..., Any], worse: tuple[Tensor, ...], better: tuple[Tensor, ...]) -> None:
    high, low = _scalar(what, loss, *worse), _scalar(what, loss, *better)
    require(bool(low < high), f"{what} is {low:.4g} where its side wins and {high:.4g} where it loses. Turn the sign.")
    for logits in worse:
        _check_reached(f"the logits of {what}", high, logits)


def _scalar(what: str, loss: Callable[..., Any], *inputs: Tensor) -> Tensor:
    value = called(what, loss, *inputs)
    check_tensor(what, value, ())
    return value


def _check_reached(what: str, loss: Tensor, leaf: Tensor) -> None:
    import torch

    require(loss.requires_grad, f"no gradient reaches {what}. Compute the loss with torch, without detach().")
    (gradient,) = torch.autograd.grad(loss, leaf, retain_graph=True, allow_unused=True)
    require(gradient is not None, f"no gradient reaches {what}.")
    require(bool(gradient.isfinite().all()), f"the gradient at {what} is not finite.")
