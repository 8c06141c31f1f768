"""The coarse-to-fine generator of pix2pixHD: a global network, and a local enhancer that doubles its size.

Paper: Wang et al. 2018, arXiv 1711.11585v2, section 3.2 and appendix. Original code:
github.com/NVIDIA/pix2pixHD (a BSD licence of its own); this is our own.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_pix2pixhd.blocks import ResidualBlock, doubling, entrance, exit_layer, halving, initialize
from i2i_pix2pixhd.contracts import FeatureGenerator


class GlobalGenerator(nn.Module):
    """Residual blocks at a sixteenth of the size (Wang et al. 2018, section 3.2).

    Maps (N, in_channels, H, W) to (N, out_channels, H, W) in [-1, 1]; H and W must be multiples of ``2**downsamplings``
    and at least twice that. In the paper's words, with its settings: c7s1-64, d128, d256, d512, d1024, R1024 nine
    times, u512, u256, u128, u64, c7s1-3. Instance norm and mirrored borders throughout.

    Args:
        base_channels: Channels after the first convolution; they double each time the image is halved.
        downsamplings: Number of times the image is halved, and doubled again.
        blocks: Number of residual blocks in between.
        bounded: Whether tanh holds the output in [-1, 1]; logits are not to be held.

    Raises:
        UsageError: When called, if height or width is too small or not a multiple of ``2**downsamplings``, or channels
            are missing.

    Example:
        >>> GlobalGenerator(1, 3, base_channels=4, downsamplings=2, blocks=1)(torch.zeros(1, 1, 8, 12)).shape
        torch.Size([1, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        base_channels: Annotated[int, Field(ge=1)] = 64,
        downsamplings: Annotated[int, Field(ge=1, le=8)] = 4,
        blocks: Annotated[int, Field(ge=1)] = 9,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_multiple = 2**downsamplings
        self.feature_channels = base_channels
        self.bounded = bounded
        channels = [base_channels * 2**i for i in range(downsamplings + 1)]
        self.enter = entrance(in_channels, base_channels)
        self.down = nn.Sequential(*(halving(before, after) for before, after in pairwise(channels)))
        self.blocks = nn.Sequential(*(ResidualBlock(channels[-1]) for _ in range(blocks)))
        self.up = nn.Sequential(*(doubling(before, after) for before, after in pairwise(reversed(channels))))
        self.leave = exit_layer(base_channels, out_channels)
        initialize(self)

    def features(self, source: Tensor) -> Tensor:
        """Return the last feature map, (N, base_channels, H, W), which a local enhancer builds on."""
        channels, height, width = source.shape[-3:]
        if channels != self.in_channels:
            raise UsageError(
                f"{type(self).__name__} takes {self.in_channels} channels, got {channels}. Give all fields that it was "
                "trained with."
            )
        multiple = self.size_multiple
        if height % multiple or width % multiple or min(height, width) < 2 * multiple:  # mirroring a pixel needs two
            raise UsageError(
                f"{type(self).__name__} needs height and width divisible by {multiple} and at least {2 * multiple}, "
                f"got {height}x{width}. Resize or pad the image, or lower `downsamplings`."
            )
        x: Tensor = self.up(self.blocks(self.down(self.enter(source))))
        return x

    def forward(self, source: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), in [-1, 1] if bounded."""
        x: Tensor = self.leave(self.features(source))
        return torch.tanh(x) if self.bounded else x


class LocalEnhancer(nn.Module):
    """Residual blocks at half the size, on top of a generator's features (Wang et al. 2018, section 3.2).

    Takes a source (N, in_channels, H, W) and the last feature map of a generator for its half-size version,
    (N, feature_channels, H / 2, W / 2); gives (N, out_channels, H, W) in [-1, 1]. In the paper's words, for a generator
    of 64 features: c7s1-32, d64, here the features are added, then R64 three times, u32, c7s1-3. Its width is that
    of the features, since they are added.

    Args:
        blocks: Number of residual blocks.

    Raises:
        UsageError: If the generator has an odd number of features, since half as many are to enter. When called, if the
            features are not of half the source's height and width.

    Example:
        >>> generator = GlobalGenerator(1, 3, base_channels=4, downsamplings=1, blocks=1)
        >>> enhancer, source = LocalEnhancer(1, 3, generator), torch.zeros(1, 1, 8, 12)
        >>> enhancer(source, generator.features(source[..., ::2, ::2])).shape
        torch.Size([1, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        generator: FeatureGenerator,
        *,
        blocks: Annotated[int, Field(ge=1)] = 3,
    ) -> None:
        super().__init__()
        self.size_multiple = 2 * int(getattr(generator, "size_multiple", 1))
        feature_channels = generator.feature_channels
        if feature_channels % 2:
            raise UsageError(
                f"The generator has {feature_channels} features. A local enhancer is half as wide at full size, so it "
                "needs an even number. Give the generator an even base_channels."
            )
        base_channels = feature_channels // 2
        self.down = nn.Sequential(entrance(in_channels, base_channels), halving(base_channels, feature_channels))
        self.blocks = nn.Sequential(*(ResidualBlock(feature_channels) for _ in range(blocks)))
        self.up = doubling(feature_channels, base_channels)
        self.leave = exit_layer(base_channels, out_channels)
        initialize(self)

    def forward(self, source: Tensor, features: Tensor) -> Tensor:
        """Turn a source, and features of it at half the size, into (N, out_channels, H, W) in [-1, 1]."""
        height, width = source.shape[-2:]
        if (height, width) != (2 * features.shape[-2], 2 * features.shape[-1]):
            raise UsageError(
                f"{type(self).__name__} was given a source of {height}x{width} and features of "
                f"{features.shape[-2]}x{features.shape[-1]}. Give features of half the size."
            )
        x = self.down(source) + features  # (N, feature_channels, H / 2, W / 2)
        return torch.tanh(self.leave(self.up(self.blocks(x))))
