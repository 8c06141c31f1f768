"""The discriminator of pix2pix.

Paper: Isola et al. 2017, arXiv 1611.07004v3, sections 3.2.2, 4.4 and 6.1. Original code: github.com/phillipi/pix2pix
(BSD 2-clause); this is our own.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from i2i.errors import UsageError
from i2i_pix2pix.blocks import Norm, hidden_bias, initialize, norm_layers, widths


class PatchGAN(nn.Module):
    """Convolutional discriminator that judges overlapping patches (Isola et al. 2017, section 6.1).

    Maps (N, in_channels, H, W) to logits (N, 1, h, w), one a patch:

    ====== ======= ============================= ===========
    layers patch   convolutions                  h, w at 256
    ====== ======= ============================= ===========
    0      1x1     C64-C128                      256
    1      16x16   C64-C128                      126
    2      34x34   C64-C128-C256                 62
    3      70x70   C64-C128-C256-C512            30
    4      142x142 C64-C128-C256-C512-C512       14
    5      286x286 C64-C128-C256-C512-C512-C512  6
    ====== ======= ============================= ===========

    Convolutions are 4x4 and of stride 2, the last of each row of stride 1; those of the 1x1 patch are 1x1 and of stride
    1. A convolution to one channel, of the same kernel and stride 1, follows. Biases stand by the rule of
    `blocks.hidden_bias`.

    Args:
        layers: Number of convolutions of stride 2; they decide how large a patch one logit sees.
        base_channels: Channels after the first convolution; they double, up to 8 times this.
        norm: Norm after each convolution but the first and the last.
        spectral: Whether the weights of every convolution are divided by their largest singular value (Miyato et al.
            2018, arXiv 1802.05957), best with ``norm=none``. One power iteration a call in training follows it.

    Raises:
        UsageError: When called, if the image is too small to give a logit.

    Example:
        >>> import torch
        >>> PatchGAN(6)(torch.zeros(1, 6, 256, 256)).shape
        torch.Size([1, 1, 30, 30])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        layers: Annotated[int, Field(ge=0, le=5)] = 3,
        base_channels: Annotated[int, Field(ge=1)] = 64,
        norm: Norm = "batch",
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.layers = layers
        pixel = layers == 0
        kernel, padding = (1, 0) if pixel else (4, 1)
        strides = [1, 1] if pixel else [2] * layers + [1]
        channels = widths(base_channels, len(strides))
        blocks = [nn.Conv2d(in_channels, channels[0], kernel, strides[0], padding), nn.LeakyReLU(0.2)]
        for (before, after), stride in zip(pairwise(channels), strides[1:], strict=True):
            blocks.append(nn.Conv2d(before, after, kernel, stride, padding, bias=hidden_bias(norm)))
            blocks += [*norm_layers(norm, after), nn.LeakyReLU(0.2)]
        # checkpoints of the 1x1 stack treat its last convolution as a hidden one
        blocks.append(nn.Conv2d(channels[-1], 1, kernel, 1, padding, bias=not pixel or hidden_bias(norm)))
        self.stack = nn.Sequential(*blocks)
        initialize(self)
        if spectral:
            for block in blocks:
                if isinstance(block, nn.Conv2d):
                    spectral_norm(block)

    def forward(self, image: Tensor) -> Tensor:
        """Judge (N, in_channels, H, W); returns logits (N, 1, h, w)."""
        height, width = image.shape[-2:]
        smallest = 3 * 2**self.layers if self.layers else 1
        if min(height, width) < smallest:
            raise UsageError(
                f"PatchGAN with {self.layers} layers needs images of at least {smallest}x{smallest}, "
                f"got {height}x{width}. Use larger crops, or lower `layers`."
            )
        logits: Tensor = self.stack(image)
        return logits
