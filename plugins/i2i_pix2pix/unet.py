"""The generator of pix2pix, and the baseline that the paper compares it with.

Paper: Isola et al. 2017, arXiv 1611.07004v3, sections 3.2.1, 4.3 and 6.1, figure 3. Original code:
github.com/phillipi/pix2pix (BSD 2-clause); this is our own.
"""

from itertools import pairwise
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_pix2pix.blocks import Norm, Upsample, doubling, hidden_bias, initialize, norm_layers, widths


class EncoderDecoder(nn.Module):
    """U-Net without its skip connections: the baseline of pix2pix (Isola et al. 2017, section 6.1 and table 2).

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1], unless `bounded` is off; H and W must
    be multiples of ``2**depth``. At depth 8 the encoder is C64-C128-C256-C512-C512-C512-C512-C512 and the decoder
    CD512-CD512-CD512-C512-C256-C128-C64, then out_channels. Differs from the authors' code: no norm at the bottleneck,
    where batch norm of one pixel and batch 1 would be zero whatever the image, and biases by the rule of
    `blocks.hidden_bias`.

    Args:
        depth: Number of times the image is halved; height and width must be multiples of ``2**depth``.
        base_channels: Channels after the first convolution; they double on the way down, up to 8 times this.
        norm: Norm after each convolution but the first, the last and the bottleneck.
        dropout: Probability that a value is zeroed, the method's only noise.
        dropout_layers: Layers of the decoder with dropout, counted from the bottleneck; the output layer has none. The
            paper has 1, 2, 3; checkpoints of pytorch-CycleGAN-and-pix2pix have 2, 3, 4 at depth 8 and 2, 3 at depth 7.
        upsample: How the decoder doubles the image: by the paper's transposed convolutions, or, against checkerboards,
            by nearest neighbours and a 3x3 convolution, or by one to 4 times the channels, laid out in space.
        bounded: Whether tanh ends it. Without, it gives logits: a recipe decides so where the target is class ids.

    Raises:
        UsageError: When called, if height or width is not a multiple of ``2**depth``.

    Example:
        >>> EncoderDecoder(1, 3, depth=2)(torch.zeros(1, 1, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    skips: ClassVar[bool] = False
    """Whether a layer of the decoder sees the encoder's layer of its size, before what came up to it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        depth: Annotated[int, Field(ge=1, le=16)] = 8,
        base_channels: Annotated[int, Field(ge=1)] = 64,
        norm: Norm = "batch",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        dropout_layers: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 3),
        upsample: Upsample = "transposed",
        bounded: bool = True,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.bounded = bounded
        self.size_multiple = 2**depth
        outputs = widths(base_channels, depth)
        self.down = nn.ModuleList()
        for before, after in pairwise([in_channels, *outputs]):
            first, last = not self.down, len(self.down) == depth - 1
            convolution = nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1, bias=hidden_bias(norm))
            normalization = [] if first or last else norm_layers(norm, after)
            self.down.append(nn.Sequential(*([] if first else [nn.LeakyReLU(0.2)]), convolution, *normalization))
        self.up = nn.ModuleList()
        for before, after in pairwise([*reversed(outputs), out_channels]):
            layer, last = len(self.up) + 1, len(self.up) == depth - 1
            seen = 2 * before if self.skips and layer > 1 else before
            bias = last or hidden_bias(norm)
            doubled = doubling(upsample, seen, after, kernel=4, bias=bias)
            normalization = [] if last else norm_layers(norm, after)
            noise = [nn.Dropout(dropout)] if dropout and layer in dropout_layers and not last else []
            self.up.append(nn.Sequential(nn.ReLU(), doubled, *normalization, *noise))
        initialize(self)

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), in [-1, 1] where it is bounded."""
        height, width = source.shape[-2:]
        if height % self.size_multiple or width % self.size_multiple:
            raise UsageError(
                f"{type(self).__name__} needs height and width divisible by {self.size_multiple}, got "
                f"{height}x{width}. Resize or pad the image, or lower `depth` (now {self.depth})."
            )
        x, encoded = source, []
        for block in self.down:
            x = block(x)
            encoded.append(x)
        x = self.up[0](encoded.pop())  # the bottleneck, (N, C, H / 2**depth, W / 2**depth)
        for block in self.up[1:]:
            same_size = encoded.pop()
            x = block(torch.cat([same_size, x], dim=1) if self.skips else x)
        return torch.tanh(x) if self.bounded else x


class UNet(EncoderDecoder):
    """Encoder-decoder with skip connections: the generator of pix2pix (Isola et al. 2017, section 6.1).

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1], unless `bounded` is off; H and W must
    be multiples of ``2**depth``. The layers are those of `EncoderDecoder`, whose options these are. From the second on,
    layers of the decoder take twice the channels of the one before: first those of the encoder's layer of that size,
    then those.

    Example:
        >>> UNet(3, 1, depth=2)(torch.zeros(1, 3, 8, 12)).shape
        torch.Size([1, 1, 8, 12])
    """

    skips: ClassVar[bool] = True
