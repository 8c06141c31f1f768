"""Line drawings by an extended difference of Gaussians (Winnemoeller, Kyprianidis & Olsen 2012, "XDoG")."""

import cv2
import numpy as np
from numpy.typing import NDArray

K = 1.6
"""Ratio of the two Gaussians' standard deviations, at which their difference is nearest to a Laplacian (Marr & Hildreth
1980)."""

PHI = 10.0
"""Steepness of the soft threshold."""


def xdog(luma: NDArray[np.float32], *, sigma: float, sharpness: float, level: float) -> NDArray[np.float32]:
    """How much ink each pixel takes.

    With G(s) the image blurred by a Gaussian of standard deviation s, S = (1 + p) G(sigma) - p G(k sigma) is the
    sharpened image (equation 7); the drawing is 1 where S >= level, else 1 + tanh(phi (S - level)) (equation 5).
    Ink is 1 minus the drawing. Plain regions are S = luma, so those darker than the level are filled.

    Args:
        luma: (H, W) in 0..1.
        sigma: Standard deviation of the finer Gaussian, pixels: half the width of lines.
        sharpness: p, the weight of the difference of both.
        level: Epsilon, the tone below which ink begins, 0..1.

    Returns:
        (H, W) in 0..1.
    """
    fine, coarse = (cv2.GaussianBlur(luma, (0, 0), s, borderType=cv2.BORDER_REFLECT) for s in (sigma, K * sigma))
    sharpened = (1 + sharpness) * fine - sharpness * coarse
    ink: NDArray[np.float32] = np.where(sharpened >= level, 0, -np.tanh(PHI * (sharpened - level))).astype(np.float32)
    return ink
