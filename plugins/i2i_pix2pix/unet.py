"""The generator of pix2pix.

Paper: Isola et al. 2017, arXiv 1611.07004v3, sections 3.2.1 and 6.1. Original code: github.com/phillipi/pix2pix
(BSD 2-clause); this is our own.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i_pix2pix.blocks import Norm, check_size, decoder, encoder, initialize, widths


class UNet(nn.Module):
    """Encoder-decoder with skip connections: the generator of pix2pix (Isola et al. 2017, section 6.1).

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1]; H and W must be multiples of
    ``2**depth``. At depth 8 the encoder is C64-C128-C256-C512-C512-C512-C512-C512; the transposed convolutions of the
    decoder have 512, 512, 512, 512, 256, 128, 64 and out_channels filters. From the second on they take twice the
    channels of the one before: first those of the encoder's layer of that size, then those. Differs from the authors'
    code: no norm at the bottleneck, and biases by the rule of `blocks.hidden_bias`.

    Args:
        depth: Number of times the image is halved; height and width must be multiples of ``2**depth``.
        base_channels: Channels after the first convolution; they double on the way down, up to 8 times this.
        norm: Norm after each convolution but the first, the last and the bottleneck.
        dropout: Probability that a value is zeroed, the method's only noise.
        dropout_layers: Layers of the decoder with dropout, counted from the bottleneck; the output layer has none. The
            paper has 1, 2, 3; checkpoints of pytorch-CycleGAN-and-pix2pix have 2, 3, 4 at depth 8 and 2, 3 at depth 7.

    Raises:
        UsageError: When called, if height or width is not a multiple of ``2**depth``.

    Example:
        >>> UNet(3, 1, depth=2)(torch.zeros(1, 3, 8, 12)).shape
        torch.Size([1, 1, 8, 12])
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
        dropout_layers: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 3),
    ) -> None:
        super().__init__()
        self.depth = depth
        self.size_multiple = 2**depth
        down = widths(base_channels, depth)
        up = [*reversed(down[:-1]), out_channels]
        seen = [down[-1], *(2 * channels for channels in up[:-1])]
        self.down = encoder(in_channels, down, norm)
        self.up = decoder(seen, up, norm, dropout, dropout_layers)
        initialize(self)

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W) in [-1, 1]."""
        check_size(source, self.depth, type(self).__name__)
        x, skips = source, []
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = self.up[0](skips.pop())  # the bottleneck, (N, C, H / 2**depth, W / 2**depth)
        for block in self.up[1:]:
            x = block(torch.cat([skips.pop(), x], dim=1))
        return torch.tanh(x)
