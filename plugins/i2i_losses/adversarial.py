"""What discriminators and generators minimise against each other; logits of any shape, and means over them.

Own code from the papers that each class names.
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
    """Squared distance of the logits to 1 for real and 0 for fake (Mao et al. 2017, arXiv 1611.04076).

    Takes logits of any shape and averages over them. As in CycleGAN, the generator's loss is not halved.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return half of (D(real) - 1)² + D(fake)²."""
        return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        """Return (D(fake) - 1)²."""
        return (fake_logits - 1).square().mean()


class Hinge(nn.Module):
    """Logits beyond 1 for real and -1 for fake cost nothing (Miyato et al. 2018, arXiv 1802.05957, equations 16, 17).

    Takes logits of any shape and averages over them. It has no log to flatten it, so the discriminator's slope should
    be bounded, as by its option ``spectral`` or by a gradient penalty.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return max(0, 1 - D(real)) + max(0, 1 + D(fake))."""
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        """Return -D(fake)."""
        return -fake_logits.mean()


class Relativistic(nn.Module):
    """Binary cross-entropy of whether real looks more real than fake (Jolicoeur-Martineau 2019, arXiv 1807.00734).

    Logits of real and fake are paired one by one, and have one shape. This is RpGAN, which R3GAN has beside the
    penalties R1 and R2 (Huang et al. 2024, arXiv 2501.05441, section 2): a generator that drops what is rare loses.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return -log sigmoid(D(real) - D(fake))."""
        return F.softplus(fake_logits - real_logits).mean()

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor) -> Tensor:
        """Return -log sigmoid(D(fake) - D(real))."""
        return F.softplus(real_logits - fake_logits).mean()
