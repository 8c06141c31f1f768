"""Parts of a recipe that the engine builds around what the user names: lists of losses, and adversarial losses."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from i2i.contracts import CONTRACTS, AdversarialLoss, Clock, Discriminator, Loss, Penalty, Verdict
from i2i.errors import UsageError


class Terms(nn.Module):
    """A part that is a list of components by name, each with its weight.

    Args:
        components: By name.
        weights: λ of each, by name.
    """

    contract: ClassVar[Any]
    """What each component must be."""

    def __init__(self, components: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.components, self.weights = dict(components), dict(weights)
        # those that are modules move, train and are saved with the recipe
        self.modules_of = nn.ModuleDict({name: c for name, c in components.items() if isinstance(c, nn.Module)})


class Losses(Terms):
    """A part of several pixel losses: calling it gives the weighted terms by name."""

    contract: ClassVar[Any] = Loss

    def forward(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compare (N, C, H, W) with (N, C, H, W); returns scalars by name, weighted."""
        return {name: self.weights[name] * loss(output, target) for name, loss in self.components.items()}


class Penalties(Terms):
    """A part of several penalties of a discriminator; none of them may be there."""

    contract: ClassVar[Any] = Penalty

    def forward(self, discriminator: Discriminator, real: Tensor, fake: Tensor, clock: Clock) -> dict[str, Tensor]:
        """Return scalars by name, weighted, of those penalties that are due at this step.

        Args:
            discriminator: Who pays.
            real: What it sees of real images, (N, C, H, W).
            fake: What it sees of fakes, (N, C, H, W).
            clock: When.
        """
        due = {name: penalty(discriminator, real, fake, clock) for name, penalty in self.components.items()}
        return {name: self.weights[name] * value for name, value in due.items() if value is not None}


class Adversarial(nn.Module):
    """A part of one adversarial loss over all that discriminators return: summed over the scales of a verdict.

    Args:
        loss: Of the logits of one scale.
    """

    contract: ClassVar[Any] = AdversarialLoss

    def __init__(self, loss: AdversarialLoss) -> None:
        super().__init__()
        self.loss: Any = loss
        self.compares = len(inspect.signature(loss.generator_loss).parameters) > 1
        self.scales = 0
        """Over how many scales the discriminator's loss was summed the last time; 0 before."""

    def discriminator_loss(self, real: Tensor | Verdict, fake: Tensor | Verdict) -> Tensor:
        """Return what the discriminator minimises, a scalar."""
        scales = list(zip(_logits(real), _logits(fake), strict=True))
        self.scales = len(scales)
        return torch.stack([self.loss.discriminator_loss(r, f) for r, f in scales]).sum()

    def generator_loss(self, fake: Tensor | Verdict, real: Tensor | Verdict | None = None) -> Tensor:
        """Return what the generator minimises, a scalar.

        Args:
            fake: What the discriminator says of fakes.
            real: What it said of real images, for losses that compare with it; no gradient flows into it.

        Raises:
            UsageError: If the loss compares, and there is nothing to compare with.
        """
        if not self.compares:
            return torch.stack([self.loss.generator_loss(f) for f in _logits(fake)]).sum()
        if real is None:
            raise UsageError(
                f"{type(self.loss).__name__} compares with real logits, and this recipe gives the generator none. "
                "Choose another adversarial loss."
            )
        scales = zip(_logits(fake), _logits(real), strict=True)
        return torch.stack([self.loss.generator_loss(f, r.detach()) for f, r in scales]).sum()


def _logits(verdict: Tensor | Verdict) -> Sequence[Tensor]:
    return verdict.logits if isinstance(verdict, Verdict) else [verdict]


CONTRACTS.update({Losses: "loss", Penalties: "penalty", Adversarial: "loss"})
