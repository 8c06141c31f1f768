"""A U-Net that knows the time: the denoising network of diffusion models, in miniature.

Papers: Ho, Jain, Abbeel 2020, arXiv 2006.11239v2, appendix B; Dhariwal, Nichol 2021, arXiv 2105.05233v4, section 3.
Original code: github.com/hojonathanho/diffusion (no licence) and github.com/openai/guided-diffusion (MIT); this is our
own.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i_bridge.blocks import TimedBlock, norm, silenced, waves

WIDEST = 4
"""Channels at the smallest sizes, in multiples of those at full size."""


class VelocityUNet(nn.Module):
    """Residual blocks at several sizes, each told the time (Ho et al. 2020, appendix B).

    Turns a place (N, out_channels, H, W), a time (N,) from 0 to 1 and a source (N, in_channels, H, W) into a velocity
    (N, out_channels, H, W) of any values; H and W must be multiples of ``2**depth``. Place and source enter together,
    on channels, by a 3x3 convolution. Each level ends in one of stride 2 on the way down, and in the doubled pixels and
    a 3x3 convolution on the way up; blocks on the way up begin with what the same level had on the way down, on
    channels. The velocity begins as 0.

    Differs from the papers': no attention, which at the size of pictures costs more than all the rest; one skip
    connection a level instead of one a block; no dropout.

    Args:
        base_channels: Channels at full size, a multiple of 4; they double at each level, up to 4 times this.
        depth: Number of times the image is halved; height and width must be multiples of ``2**depth``.
        blocks: Residual blocks at each level, on the way down and again on the way up, and at the smallest size.

    Raises:
        UsageError: When called, if height or width is not a multiple of ``2**depth``.

    Example:
        >>> network = VelocityUNet(1, 3, base_channels=4, depth=2, blocks=1)
        >>> network(torch.zeros(2, 3, 8, 12), torch.zeros(2), torch.zeros(2, 1, 8, 12)).shape
        torch.Size([2, 3, 8, 12])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        base_channels: Annotated[int, Field(ge=4, multiple_of=4)] = 64,
        depth: Annotated[int, Field(ge=1, le=8)] = 3,
        blocks: Annotated[int, Field(ge=1)] = 2,
    ) -> None:
        super().__init__()
        self.size_multiple = 2**depth
        self.depth, self.base_channels = depth, base_channels
        channels = [base_channels * min(2**level, WIDEST) for level in range(depth + 1)]
        time_channels = 4 * base_channels
        self.time = nn.Sequential(
            nn.Linear(base_channels, time_channels), nn.SiLU(), nn.Linear(time_channels, time_channels)
        )
        self.enter = nn.Conv2d(in_channels + out_channels, base_channels, kernel_size=3, padding=1)
        self.encoder = nn.ModuleList(_stage(c, c, time_channels, blocks) for c in channels[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels))
        self.middle = _stage(channels[-1], channels[-1], time_channels, blocks)
        self.up = nn.ModuleList(_doubling(a, b) for a, b in pairwise(reversed(channels)))
        self.decoder = nn.ModuleList(_stage(2 * c, c, time_channels, blocks) for c in channels[-2::-1])
        last = silenced(nn.Conv2d(base_channels, out_channels, kernel_size=3, padding=1))
        self.leave = nn.Sequential(norm(base_channels), nn.SiLU(), last)

    def forward(self, place: Tensor, time: Tensor, source: Tensor) -> Tensor:
        """Return the velocity (N, out_channels, H, W) at a place, a time and for a source."""
        height, width = place.shape[-2:]
        if height % self.size_multiple or width % self.size_multiple:
            raise UsageError(
                f"{type(self).__name__} needs height and width divisible by {self.size_multiple}, got "
                f"{height}x{width}. Resize or pad the image, or lower `depth` (now {self.depth})."
            )
        when = self.time(waves(time, self.base_channels))  # (N, 4 * base_channels)
        x, encoded = self.enter(torch.cat([place, source], dim=1)), []
        for stage, halve in zip(self.encoder, self.down, strict=True):
            x = _through(stage, x, when)
            encoded.append(x)
            x = halve(x)
        x = _through(self.middle, x, when)  # (N, C, H / 2**depth, W / 2**depth)
        for double, stage in zip(self.up, self.decoder, strict=True):
            x = _through(stage, torch.cat([encoded.pop(), double(x)], dim=1), when)
        velocity: Tensor = self.leave(x)
        return velocity


def _stage(entering: int, channels: int, time_channels: int, blocks: int) -> nn.ModuleList:
    """Return blocks at one level, the first of which may be given other channels."""
    return nn.ModuleList(
        TimedBlock(channels if number else entering, channels, time_channels) for number in range(blocks)
    )


def _doubling(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, kernel_size=3, padding=1))


def _through(stage: nn.Module, x: Tensor, time: Tensor) -> Tensor:
    for block in stage.children():
        x = block(x, time)
    return x
