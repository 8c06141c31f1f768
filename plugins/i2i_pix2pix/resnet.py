"""The residual generator: one size throughout, for translators that keep the picture's shape.

Papers: Johnson et al. 2016, arXiv 1603.08155, and its supplement (the network); Zhu et al. 2017, arXiv 1703.10593v7,
section 7.2 (the form used here). Original code: github.com/junyanz/pytorch-CycleGAN-and-pix2pix (BSD 2-clause); this is
our own, and its checkpoints fit.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_pix2pix.blocks import Norm, Upsample, doubling, hidden_bias, initialize, norm_layers

HALVINGS = 2
SMALLEST = 2 * 2**HALVINGS  # a mirrored border of one pixel needs two where the blocks work


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose output is added to what they were given (He et al. 2016, arXiv 1512.03385).

    Borders are mirrored, and nothing follows the sum.

    Args:
        channels: Of its input and its output, (N, channels, H, W); H and W are at least 2.
        norm: Norm after both convolutions.
        dropout: Probability that a value is zeroed between them.
    """

    def __init__(self, channels: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        noise = [nn.Dropout(dropout)] if dropout else []
        self.first = nn.Sequential(*self._convolution(channels, norm), nn.ReLU(), *noise)
        self.second = nn.Sequential(*self._convolution(channels, norm))

    @staticmethod
    def _convolution(channels: int, norm: Norm) -> list[nn.Module]:
        convolution = nn.Conv2d(channels, channels, kernel_size=3, bias=hidden_bias(norm))
        return [nn.ReflectionPad2d(1), convolution, *norm_layers(norm, channels)]

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block makes of ``x`` to it; the shape stays."""
        made: Tensor = self.second(self.first(x))
        return x + made


class ResNet(nn.Module):
    """Residual blocks at a quarter of the size (Johnson et al. 2016, as in CycleGAN, Zhu et al. 2017, section 7.2).

    Maps (N, in_channels, H, W) in [-1, 1] to (N, out_channels, H, W) in [-1, 1], unless `bounded` is off; H and W must
    be multiples of 4, and at least 8. In the paper's words, at 9 blocks: c7s1-64, d128, d256, R256 nine times, u128,
    u64, c7s1-3. A convolution of 7x7 enters and leaves with mirrored borders; two of 3x3 and stride 2 halve the image,
    two transposed ones double it. Biases stand by the rule of `blocks.hidden_bias`.

    Args:
        blocks: Number of residual blocks; CycleGAN has 9 at 256 pixels and 6 at 128.
        base_channels: Channels after the first convolution; the blocks have 4 times this.
        norm: Norm after each convolution but the last.
        dropout: Probability that a value is zeroed, inside of each block; CycleGAN has none.
        upsample: How the image is doubled: by the paper's transposed convolutions, or, against checkerboards, by
            nearest neighbours and a 3x3 convolution, or by one to 4 times the channels, laid out in space.
        bounded: Whether tanh ends it. Without, it gives logits: a recipe decides so where the target is class ids.

    Raises:
        UsageError: When called, if height or width is below 8 or not a multiple of 4.

    Example:
        >>> ResNet(1, 3, blocks=1, base_channels=4)(torch.zeros(1, 1, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        blocks: Annotated[int, Field(ge=1)] = 9,
        base_channels: Annotated[int, Field(ge=1)] = 64,
        norm: Norm = "instance",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        upsample: Upsample = "transposed",
        bounded: bool = True,
    ) -> None:
        super().__init__()
        self.bounded = bounded
        self.size_multiple = 2**HALVINGS
        bias = hidden_bias(norm)
        channels = [base_channels * 2**i for i in range(HALVINGS + 1)]
        entry = nn.Conv2d(in_channels, base_channels, kernel_size=7, bias=bias)
        self.enter = nn.Sequential(nn.ReflectionPad2d(3), entry, *norm_layers(norm, base_channels), nn.ReLU())
        self.down = nn.Sequential()
        for before, after in pairwise(channels):
            halving = nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=bias)
            self.down.append(nn.Sequential(halving, *norm_layers(norm, after), nn.ReLU()))
        self.blocks = nn.Sequential(*(ResidualBlock(channels[-1], norm, dropout) for _ in range(blocks)))
        self.up = nn.Sequential()
        for before, after in pairwise(reversed(channels)):
            doubled = doubling(upsample, before, after, kernel=3, bias=bias)
            self.up.append(nn.Sequential(doubled, *norm_layers(norm, after), nn.ReLU()))
        self.leave = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(base_channels, out_channels, kernel_size=7))
        initialize(self)

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), in [-1, 1] where it is bounded."""
        height, width = source.shape[-2:]
        multiple = self.size_multiple
        if height % multiple or width % multiple or min(height, width) < SMALLEST:
            raise UsageError(
                f"{type(self).__name__} needs height and width divisible by {multiple} and at least {SMALLEST}, "
                f"got {height}x{width}. Resize or pad the image."
            )
        x = self.blocks(self.down(self.enter(source)))  # (N, 4 * base_channels, H / 4, W / 4)
        made: Tensor = self.leave(self.up(x))
        return torch.tanh(made) if self.bounded else made
