"""What the network of a velocity is made of: residual blocks that know the time.

Papers: Ho, Jain, Abbeel 2020, arXiv 2006.11239v2, appendix B (time, block); Dhariwal, Nichol 2021, arXiv 2105.05233v4,
section 3.1 (scale and shift by time). Original code: github.com/hojonathanho/diffusion (no licence) and
github.com/openai/guided-diffusion (MIT); this is our own.
"""

import math

import torch
from torch import Tensor, nn

TIMES = 1000
"""Time 1 in the steps of the paper, whose embedding tells apart as many (Ho et al. 2020, section 4)."""
PERIODS = 10_000
"""Ratio of the slowest wave to the fastest (Vaswani et al. 2017, arXiv 1706.03762, section 3.5)."""
GROUPED = 4
"""Channels of a group of norm at least: the paper's 128 in 32 groups."""
GROUPS = 32
"""Groups of a norm at most."""


def waves(time: Tensor, count: int) -> Tensor:
    """Return sines of a time, then cosines, each at ``count // 2`` frequencies from 1 down to 1/10000 (Ho et al. 2020).

    Args:
        time: (N,), from 0 to 1.
        count: Of values, even and at least 4.

    Returns:
        (N, count), in [-1, 1].
    """
    half = count // 2
    exponents = torch.arange(half, device=time.device, dtype=time.dtype) / (half - 1)
    angles = TIMES * time[:, None] * torch.exp(-math.log(PERIODS) * exponents)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def norm(channels: int) -> nn.GroupNorm:
    """Return group norm in at most 32 groups of at least 4 channels, which are a multiple of 4."""
    return nn.GroupNorm(math.gcd(GROUPS, channels // GROUPED), channels)


def silenced(convolution: nn.Conv2d) -> nn.Conv2d:
    """Set weights and biases to 0, so that what ends in it begins as nothing; returns the same module."""
    for parameter in convolution.parameters():
        nn.init.zeros_(parameter)
    return convolution


class TimedBlock(nn.Module):
    """A residual block, whose second norm the time scales and shifts (Dhariwal and Nichol 2021, section 3.1).

    Norm, SiLU, 3x3 convolution, norm, scale and shift, SiLU, 3x3 convolution that begins at 0; where the channels
    change, a 1x1 convolution takes the input past them.

    Args:
        in_channels: Of its input, (N, in_channels, H, W); a multiple of 4.
        out_channels: Of its output, (N, out_channels, H, W); a multiple of 4.
        time_channels: Of what it is told of the time, (N, time_channels).
    """

    def __init__(self, in_channels: int, out_channels: int, time_channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(norm(in_channels), nn.SiLU(), nn.Conv2d(in_channels, out_channels, 3, padding=1))
        self.timed = nn.Sequential(nn.SiLU(), nn.Linear(time_channels, 2 * out_channels))
        self.norm = norm(out_channels)
        self.second = nn.Sequential(nn.SiLU(), silenced(nn.Conv2d(out_channels, out_channels, 3, padding=1)))
        same = in_channels == out_channels
        self.past = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Add to ``x`` what the block makes of it at a time; height and width stay."""
        scale, shift = self.timed(time)[:, :, None, None].chunk(2, dim=1)  # (N, out_channels, 1, 1) each
        made = self.second(self.norm(self.first(x)) * (1 + scale) + shift)
        summed: Tensor = self.past(x) + made
        return summed
