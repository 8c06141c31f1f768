"""The field's usual figures of what was made beside what is real, as a plugin."""

from torch import nn

import i2i
from i2i_metrics.classes import Segmentation
from i2i_metrics.edges import EdgeF
from i2i_metrics.fcn import FCNScore
from i2i_metrics.flip import FLIP
from i2i_metrics.histograms import LabHistogram
from i2i_metrics.perceptual import LPIPS, PerceptualLite0
from i2i_metrics.pixels import L1, MSE, PSNR
from i2i_metrics.sets import FIDInception, FIDLite0, KIDInception, KIDLite0, MINDInception, MINDLite0
from i2i_metrics.structure import SSIM, MultiScaleSSIM

__all__ = [
    "FLIP",
    "L1",
    "LPIPS",
    "MSE",
    "PSNR",
    "SSIM",
    "EdgeF",
    "FCNScore",
    "FIDInception",
    "FIDLite0",
    "KIDInception",
    "KIDLite0",
    "LabHistogram",
    "MINDInception",
    "MINDLite0",
    "MultiScaleSSIM",
    "PerceptualLite0",
    "Segmentation",
]


@i2i.hookimpl
def i2i_metrics() -> dict[str, type[nn.Module]]:
    """Provide metrics of images and of class ids beside real ones, and of sets of images."""
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
        "perceptual-lite0": PerceptualLite0,
        "lpips": LPIPS,
        "kid-lite0": KIDLite0,
        "kid-inception": KIDInception,
        "mind-lite0": MINDLite0,
        "mind-inception": MINDInception,
        "fid-lite0": FIDLite0,
        "fid-inception": FIDInception,
        "fcn-score": FCNScore,
    }
