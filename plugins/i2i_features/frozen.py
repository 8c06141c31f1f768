"""What frozen networks are made of: convolutions whose weights nobody trains or saves, and images as they see them."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.features import take


class Convolution(nn.Module):
    """A convolution of fixed weights: buffers that move with it to a device and that no state dict holds.

    Args:
        weight: (out, in / groups, height, width) of the kernel.
        bias: (out,).
        stride: Of both sides.
        groups: In which channels are filtered apart.
        padding: Of all four sides; None pads as TensorFlow's SAME does: the odd pixel goes to the right and below.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self, weight: Tensor, bias: Tensor, stride: int = 1, groups: int = 1, padding: int | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.stride, self.groups, self.padding = stride, groups, padding

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out, h, w) of (N, in, H, W)."""
        if self.padding is not None:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        down, across = (self._same(axis, x.shape[axis]) for axis in (2, 3))
        padded = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)

    def _same(self, axis: int, side: int) -> int:
        return max((-(-side // self.stride) - 1) * self.stride + self.weight.shape[axis] - side, 0)


def folded(weights: Mapping[str, Tensor], weight: Tensor, norm: str, network: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that does what it and the batch norm after it do in evaluation.

    The norm's ε is 0.001, as in all networks of TensorFlow.
    """
    scale, shift, mean, variance = (
        take(weights, f"{norm}.{name}", weight.shape[:1], network)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / torch.sqrt(variance + 1e-3)
    return weight * factor[:, None, None, None], shift - mean * factor


def rgb(image: Tensor) -> Tensor:
    """Return (N, 3, H, W): gray (N, 1, H, W) as three equal channels.

    Raises:
        UsageError: If there are neither 1 nor 3 channels.
    """
    channels = image.shape[1]
    if channels not in (1, 3):
        raise UsageError(
            f"Networks that know photographs look at RGB or gray, got {channels} channels. Leave out what needs them."
        )
    return image.expand(-1, 3, -1, -1)
