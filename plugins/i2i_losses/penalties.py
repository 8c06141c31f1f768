"""What a discriminator pays for its slope: gradient penalties, at every so many steps.

Mescheder et al. 2018, arXiv 1801.04406, section 4.1 (both); Huang et al. 2024, arXiv 2501.05441, section 2 (both at
once); Karras et al. 2020, arXiv 1912.04958, section 3.1 (lazily). Own code.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.contracts import Clock, Discriminator, Verdict


class R1(nn.Module):
    """Half the squared length of the logits' gradient at real images: mean over the batch of ‖∇D(x)‖² / 2.

    Logits are summed over patches and scales before, and the gradient is that by all which the discriminator sees, the
    source too where it sees it. γ is the weight in the recipe.

    Args:
        every: Steps from one that pays to the next. Each pays for all: its penalty is multiplied by this, so that the
            weight means the same whatever it is.
    """

    def __init__(self, *, every: Annotated[int, Field(ge=1)] = 16) -> None:
        super().__init__()
        self.every = every

    def forward(self, discriminator: Discriminator, real: Tensor, fake: Tensor, clock: Clock) -> Tensor | None:
        """Return what is due at this step, a scalar, or None; the images are (N, C, H, W)."""
        return self.due(discriminator, real, clock)

    def due(self, discriminator: Discriminator, image: Tensor, clock: Clock) -> Tensor | None:
        """Return what is due at this step for the slope at these images, a scalar, or None."""
        return None if clock.step % self.every else self.every * _slope(discriminator, image)


class R2(R1):
    """Half the squared length of the logits' gradient at fakes: otherwise `R1`, whose options these are."""

    def forward(self, discriminator: Discriminator, real: Tensor, fake: Tensor, clock: Clock) -> Tensor | None:
        """Return what is due at this step, a scalar, or None; the images are (N, C, H, W)."""
        return self.due(discriminator, fake, clock)


def _slope(discriminator: Discriminator, image: Tensor) -> Tensor:
    """Return half the mean squared length of the gradient of the summed logits, itself with a gradient."""
    seen = image.detach().requires_grad_()
    verdict = discriminator(seen)
    logits = verdict.logits if isinstance(verdict, Verdict) else [verdict]
    total = torch.stack([scale.sum() for scale in logits]).sum()
    (gradient,) = torch.autograd.grad(total, seen, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean() / 2
