"""pix2pixHD: high-resolution image synthesis and semantic manipulation with conditional GANs, as a plugin.

Wang, Liu, Zhu, Tao, Kautz, Catanzaro: *High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs*, CVPR 2018, arXiv 1711.11585v2.
"""

from torch import nn

import i2i
from i2i_pix2pixhd.generators import GlobalGenerator, LocalEnhancer

__all__ = ["GlobalGenerator", "LocalEnhancer"]


@i2i.hookimpl
def i2i_generators() -> dict[str, type[nn.Module]]:
    """Provide the paper's generator of whole scenes."""
    return {"global": GlobalGenerator}
