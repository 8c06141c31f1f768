"""Losses that are no method's own, as a plugin: any recipe reaches them by name."""

from torch import nn

import i2i
from i2i_losses.adversarial import Hinge, LeastSquares, NonSaturating, Relativistic
from i2i_losses.penalties import R1, R2
from i2i_losses.perceptual import Perceptual
from i2i_losses.pixels import L1, L2, SSIM, Charbonnier, CrossEntropy, TotalVariation

__all__ = [
    "L1",
    "L2",
    "R1",
    "R2",
    "SSIM",
    "Charbonnier",
    "CrossEntropy",
    "Hinge",
    "LeastSquares",
    "NonSaturating",
    "Perceptual",
    "Relativistic",
    "TotalVariation",
]


@i2i.hookimpl
def i2i_losses() -> dict[str, type[nn.Module]]:
    """Provide losses of an output beside its target, and adversarial ones."""
    return {
        "l1": L1,
        "l2": L2,
        "charbonnier": Charbonnier,
        "ssim": SSIM,
        "total-variation": TotalVariation,
        "cross-entropy": CrossEntropy,
        "perceptual": Perceptual,
        "non-saturating": NonSaturating,
        "least-squares": LeastSquares,
        "hinge": Hinge,
        "relativistic": Relativistic,
    }


@i2i.hookimpl
def i2i_penalties() -> dict[str, type[nn.Module]]:
    """Provide penalties of a discriminator's gradient."""
    return {"r1": R1, "r2": R2}
