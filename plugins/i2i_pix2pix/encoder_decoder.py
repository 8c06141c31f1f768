"""The baseline that pix2pix compares its generator with.

Paper: Isola et al. 2017, arXiv 1611.07004v3, sections 4.3 and 6.1. Original code: github.com/phillipi/pix2pix
(BSD 2-clause); this is our own.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i_pix2pix.blocks import Norm, check_size, decoder, encoder, initialize, widths


class EncoderDecoder(nn.Module):
    """U-Net without its skip connections: the baseline of pix2pix (Isola et al. 2017, section 6.1 and table 2).

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1]; H and W must be multiples of
    ``2**depth``. At depth 8 the encoder is C64-C128-C256-C512-C512-C512-C512-C512 and the decoder
    CD512-CD512-CD512-C512-C256-C128-C64, then out_channels. Differs from the authors' code as the U-Net does.

    Args:
        depth: Number of times the image is halved; height and width must be multiples of ``2**depth``.
        base_channels: Channels after the first convolution; they double on the way down, up to 8 times this.
        norm: Norm after each convolution but the first, the last and the bottleneck.
        dropout: Probability that a value is zeroed, in the first three layers of the decoder.

    Raises:
        UsageError: When called, if height or width is not a multiple of ``2**depth``.

    Example:
        >>> EncoderDecoder(1, 3, depth=2)(torch.zeros(1, 1, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        depth: Annotated[int, Field(ge=1, le=16)] = 8,
        base_channels: Annotated[int, Field(ge=1)] = 64,
        norm: Norm = "batch",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.size_multiple = 2**depth
        down = widths(base_channels, depth)
        up = [*reversed(down[:-1]), out_channels]
        self.down = encoder(in_channels, down, norm)
        self.up = decoder([down[-1], *up[:-1]], up, norm, dropout, dropout_layers=(1, 2, 3))
        initialize(self)

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W) in [-1, 1]."""
        check_size(source, self.depth, type(self).__name__)
        x = source
        for block in (*self.down, *self.up):
            x = block(x)
        return torch.tanh(x)
