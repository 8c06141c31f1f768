"""The discriminators of pix2pixHD.

Paper: Wang et al. 2018, arXiv 1711.11585v2, section 3.2 and appendix. Original code: github.com/NVIDIA/pix2pixHD (a
BSD licence of its own); this is our own.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from i2i.contracts import Verdict
from i2i.errors import UsageError
from i2i_pix2pixhd.blocks import halved, initialize


class MultiScale(nn.Module):
    """Discriminators of one form that judge an image at its size, at half of it, and so on (Wang et al. 2018, 3.2).

    Maps (N, in_channels, H, W) to a verdict: logits (N, 1, h, w) of each scale, the largest first, and what each hidden
    layer saw. With the paper's settings each is the 70x70 PatchGAN C64-C128-C256-C512 with instance norm: 4x4
    convolutions of stride 2, the last of stride 1, then one to a single channel. Borders of two zeros are padded, as in
    the authors' code, where pix2pix has one.

    Args:
        scales: Number of sizes.
        layers: Number of convolutions of stride 2; they decide how large a patch one logit sees.
        base_channels: Channels after the first convolution; they double, up to 8 times this.

    Raises:
        UsageError: When called, if the image is too small to be halved so often.

    Example:
        >>> import torch
        >>> verdict = MultiScale(6, base_channels=4)(torch.zeros(1, 6, 64, 64))
        >>> [tuple(logits.shape) for logits in verdict.logits]
        [(1, 1, 11, 11), (1, 1, 7, 7), (1, 1, 5, 5)]
    """

    def __init__(
        self,
        in_channels: int,
        *,
        scales: Annotated[int, Field(ge=1, le=8)] = 3,
        layers: Annotated[int, Field(ge=1, le=5)] = 3,
        base_channels: Annotated[int, Field(ge=1)] = 64,
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_patches(in_channels, layers, base_channels) for _ in range(scales))
        initialize(self)

    def forward(self, image: Tensor) -> Verdict:
        """Judge (N, in_channels, H, W)."""
        height, width = image.shape[-2:]
        smallest = 2 ** (len(self.scales) - 1) + 1  # what is left for the last scale is then two pixels
        if min(height, width) < smallest:
            raise UsageError(
                f"MultiScale with {len(self.scales)} scales needs images of at least {smallest}x{smallest}, got "
                f"{height}x{width}. Use larger crops, or lower `scales`."
            )
        logits: list[Tensor] = []
        features: list[Tensor] = []
        for index, scale in enumerate(self.scales):
            x = image = halved(image) if index else image
            for layer in scale.children():
                x = layer(x)
                features.append(x)
            logits.append(features.pop())
        return Verdict(logits, features)


def _patches(in_channels: int, layers: int, base_channels: int) -> nn.Sequential:
    """Build the layers of one PatchGAN: the hidden ones, with what follows their convolutions, and that of logits."""
    strides = [2] * layers + [1]
    channels = [in_channels, *(base_channels * min(2**i, 8) for i in range(len(strides)))]
    stack = nn.Sequential()
    for (before, after), stride in zip(pairwise(channels), strides, strict=True):
        norm = [nn.InstanceNorm2d(after)] if len(stack) else []
        stack.append(nn.Sequential(nn.Conv2d(before, after, 4, stride, padding=2), *norm, nn.LeakyReLU(0.2)))
    return stack.append(nn.Conv2d(channels[-1], 1, 4, padding=2))
