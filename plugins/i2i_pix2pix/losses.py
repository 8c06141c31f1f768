"""Adversarial and pixel losses of pix2pix, and the least-squares loss that its successors use.

Papers: Isola et al. 2017, arXiv 1611.07004v3, section 3.1; Mao et al. 2017, arXiv 1611.04076. Own code.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class NonSaturating(nn.Module):
    """Binary cross-entropy of real against fake; the generator maximises log D (Goodfellow et al. 2014).

    Takes logits of any shape and averages over them: -log sigmoid(x) is softplus(-x), finite wherever x is.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return half of -log D(real) - log(1 - D(fake)); the half slows the discriminator (Isola et al. 2017, 3.3)."""
        return (F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()) / 2

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        """Return -log D(fake), rather than log(1 - D(fake)), whose gradient vanishes while the discriminator wins."""
        return F.softplus(-fake_logits).mean()


class LeastSquares(nn.Module):
    """Squared distance of the logits to 1 for real and 0 for fake (Mao et al. 2017).

    Takes logits of any shape and averages over them. As in CycleGAN, the generator's loss is not halved.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return half of (D(real) - 1)² + D(fake)²."""
        return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        """Return (D(fake) - 1)²."""
        return (fake_logits - 1).square().mean()


class L1(nn.Module):
    """Mean absolute difference over all values (Isola et al. 2017, equation 3)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare two tensors of one shape; returns a scalar."""
        return F.l1_loss(output, target)


class L2(nn.Module):
    """Mean squared difference over all values: blurrier than L1 (Isola et al. 2017, section 3.1)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Compare two tensors of one shape; returns a scalar."""
        return F.mse_loss(output, target)
