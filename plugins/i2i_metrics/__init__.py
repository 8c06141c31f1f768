"""The field's usual figures of what was made beside what is real, as a plugin."""

from torch import nn

import i2i
from i2i_metrics.classes import Segmentation
from i2i_metrics.edges import EdgeF
from i2i_metrics.flip import FLIP
from i2i_metrics.histograms import LabHistogram
from i2i_metrics.pixels import L1, MSE, PSNR
from i2i_metrics.structure import SSIM, MultiScaleSSIM

__all__ = ["FLIP", "L1", "MSE", "PSNR", "SSIM", "EdgeF", "LabHistogram", "MultiScaleSSIM", "Segmentation"]


@i2i.hookimpl
def i2i_metrics() -> dict[str, type[nn.Module]]:
    """Provide metrics of images and of class ids beside real ones."""
    return {
        "l1": L1,
        "mse": MSE,
        "psnr": PSNR,
        "ssim": SSIM,
        "ms-ssim": MultiScaleSSIM,
        "flip": FLIP,
        "edge-f": EdgeF,
        "lab-histogram": LabHistogram,
        "segmentation": Segmentation,
    }
