"""pix2pixHD: high-resolution image synthesis and semantic manipulation with conditional GANs, as a plugin.

Wang, Liu, Zhu, Tao, Kautz, Catanzaro: *High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs*, CVPR 2018, arXiv 1711.11585v2.
"""

from torch import nn

import i2i
from i2i.contracts import Recipe
from i2i_pix2pixhd.contracts import Enhancer, FeatureGenerator
from i2i_pix2pixhd.generators import GlobalGenerator, LocalEnhancer
from i2i_pix2pixhd.multi_scale import MultiScale
from i2i_pix2pixhd.recipe import Pix2PixHD

__all__ = ["Enhancer", "FeatureGenerator", "GlobalGenerator", "LocalEnhancer", "MultiScale", "Pix2PixHD"]


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide the paper's generator of whole scenes."""
    return {"global": GlobalGenerator}


@i2i.hookimpl
def i2i_discriminators() -> dict[str, type[nn.Module]]:
    """Provide the paper's discriminators, which judge one image at several sizes."""
    return {"multi-scale": MultiScale}


@i2i.hookimpl
def i2i_components() -> dict[str, dict[str, type[nn.Module]]]:
    """Provide what doubles the size of a generator."""
    return {"enhancer": {"local": LocalEnhancer}}


@i2i.hookimpl
def i2i_recipes() -> dict[str, type[Recipe]]:
    """Provide the method."""
    return {"pix2pixhd": Pix2PixHD}
