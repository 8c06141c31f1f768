"""pix2pix: image-to-image translation with conditional adversarial networks, as a plugin.

Isola, Zhu, Zhou, Efros: *Image-to-Image Translation with Conditional Adversarial Networks*, CVPR 2017, arXiv
1611.07004v3.
"""

from torch import nn

import i2i
from i2i.contracts import Recipe
from i2i_pix2pix.patchgan import PatchGAN
from i2i_pix2pix.recipe import Pix2Pix
from i2i_pix2pix.resnet import ResNet
from i2i_pix2pix.unet import EncoderDecoder, UNet

__all__ = ["EncoderDecoder", "PatchGAN", "Pix2Pix", "ResNet", "UNet"]


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide the paper's generator and its baseline, and the one of its successors."""
    return {"unet": UNet, "encoder-decoder": EncoderDecoder, "resnet": ResNet}


@i2i.hookimpl
def i2i_discriminators() -> dict[str, type[nn.Module]]:
    """Provide the paper's discriminator, from 1x1 patches to whole images."""
    return {"patchgan": PatchGAN}


@i2i.hookimpl
def i2i_recipes() -> dict[str, type[Recipe]]:
    """Provide the method."""
    return {"pix2pix": Pix2Pix}
