"""Checks of losses, adversarial losses and metrics."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from i2i.testing.basics import TARGET, blame, built, called, check_tensor, completed, images, require, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from i2i.fields import Kind

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


@seeded(0)
def check_metric(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Metric`, or that of `i2i.contracts.SetMetric`.

    One whose first parameter is annotated with `i2i.contracts.Ids` is shown class ids.

    Raises:
        AssertionError: If it does not.
    """
    from i2i.parameters import first_kind

    saved = completed(cls, options)
    higher: Any = getattr(cls, "higher_is_better", None)
    require(type(higher) is bool, f"higher_is_better is {higher!r}. Set it on the class to True or False.")
    of_sets = hasattr(cls, "aggregate")
    method = getattr(cls, "forward", cls.__call__)
    with blame("reading the annotation of what it compares"):
        kind = first_kind(method) or "image"
    require(kind != "vector", "it compares vectors. Metrics compare images or class ids.")
    metric = built(cls, (), saved)
    if of_sets:
        _check_set_metric(metric, higher, kind)
    else:
        _check_image_metric(metric, higher, kind)


def _check_image_metric(metric: Any, higher: bool, kind: Kind) -> None:
    output, target = _compared(kind, 2)
    figures = called("the metric", metric, output, target)
    check_tensor("the figures", figures, (len(target),))
    for image in range(len(target)):
        alone = called("the metric", metric, output[image : image + 1], target[image : image + 1])
        close = bool((alone - figures[image]).abs().max() <= 1e-4 * figures[image].abs())
        require(close, f"image {image} scores {alone[0]:.6g} alone and {figures[image]:.6g} in a batch.")
    perfect = called("the metric of equal images", metric, target, target)
    require(not bool(perfect.isnan().any()), "the figure of equal images is not a number.")
    agrees = bool((perfect > figures).all() if higher else (perfect < figures).all())
    require(agrees, f"equal images score {perfect[0]:.4g}, others {figures[0]:.4g}, but higher_is_better is {higher}.")


def _check_set_metric(metric: Any, higher: bool, kind: Kind) -> None:
    """Require finite numbers of all that was seen, however it was put into batches, and the best ones of equal sets."""
    pairs: Any = getattr(type(metric), "pairs", None)
    require(type(pairs) is bool, f"pairs is {pairs!r}. Set it on the class: True where items are compared one by one.")
    output, target = _compared(kind, 8)
    whole, halves = _set_figures(metric, output, target, 8), _set_figures(metric, output, target, 4)
    equal = _set_figures(metric, target, target, 4)
    for name, figure in whole.items():
        close = abs(halves[name] - figure) <= 1e-3 * abs(figure)
        require(close, f"a set scores {figure:.6g} in one batch and {halves[name]:.6g} in two.")
        agrees = equal[name] > figure if higher else equal[name] < figure
        require(agrees, f"equal sets score {equal[name]:.4g}, others {figure:.4g}, but higher_is_better is {higher}.")


def _set_figures(metric: Any, output: Tensor, target: Tensor, batch: int) -> dict[str, float]:
    import torch

    seen = []
    for made, real in zip(output.split(batch), target.split(batch), strict=True):
        seen.append(called("the metric", metric, made, real))
        kept = isinstance(seen[-1], torch.Tensor) and seen[-1].shape[:1] == made.shape[:1]
        require(kept, "it returns no tensor (N, ...) with something of each item.")
    with blame("aggregate()"):
        figures = metric.aggregate(torch.cat(seen))
    named = dict(figures) if isinstance(figures, Mapping) else {"": figures}
    for figure in named.values():
        require(isinstance(figure, float), f"aggregate() returns a {type(figure).__name__}, not a float.")
        require(math.isfinite(figure), f"aggregate() returns {figure}, which is not finite.")
    return named


def _compared(kind: Kind, count: int) -> tuple[Tensor, Tensor]:
    """Draw images, or ids of four classes of which some pixels have none, and the same with some noise."""
    import torch

    generator = torch.Generator().manual_seed(1)
    target = torch.cat([images(TARGET, 64, 48, seed) for seed in range(count // 2)])
    noise = torch.rand(target.shape, generator=generator) * 2 - 1
    if kind == "image":
        return (target + 0.3 * noise).clamp(-1, 1), target
    ids = ((target[:, 0] + 1) * 2).long().clamp(max=3)
    known = torch.rand(ids.shape, generator=generator) < 0.9
    return ids.where(noise[:, 0] < 0.5, (ids + 1) % 4), ids.where(known, -100)


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
