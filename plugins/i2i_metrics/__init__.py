"""The field's usual figures of images beside real ones, as a plugin."""

from torch import nn

import i2i
from i2i_metrics.edges import EdgeF
from i2i_metrics.flip import FLIP
from i2i_metrics.pixels import L1, MSE, PSNR
from i2i_metrics.structure import SSIM, MultiScaleSSIM

__all__ = ["FLIP", "L1", "MSE", "PSNR", "SSIM", "EdgeF", "MultiScaleSSIM"]


@i2i.hookimpl
def i2i_metrics() -> dict[str, type[nn.Module]]:
    """Provide metrics over pairs of images."""
    return {"l1": L1, "mse": MSE, "psnr": PSNR, "ssim": SSIM, "ms-ssim": MultiScaleSSIM, "flip": FLIP, "edge-f": EdgeF}
