"""Write modules of a network otherwise, with the same result: norms with their mode, transposed convolutions."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

Rewritten = Callable[[nn.Module], nn.Module | None]
"""Returns what takes the place of a module; None where it stays."""


def rewrite(network: nn.Module, change: Rewritten) -> None:
    """Replace modules within a network, wherever they are used."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if (new := change(child)) is not None:
                setattr(parent, name, new)


def per_image(module: nn.Module) -> nn.Module | None:
    """Return a `PerImage` in the place of a norm that takes the statistics of what it is given; None in any other's."""
    if isinstance(module, _BatchNorm | _InstanceNorm) and module.running_mean is None:
        return PerImage(module)
    return None


class PerImage(nn.Module):
    """Instance norm, which is also batch norm of a batch of one, for each item of any batch.

    It always has a scale and a shift: the formats that know instance norm ask for them.

    Args:
        norm: Without running averages.
    """

    def __init__(self, norm: _BatchNorm | _InstanceNorm) -> None:
        super().__init__()
        scale, shift = torch.ones(norm.num_features), torch.zeros(norm.num_features)
        self.weight = nn.Parameter(scale if norm.weight is None else norm.weight.detach(), requires_grad=False)
        self.bias = nn.Parameter(shift if norm.bias is None else norm.bias.detach(), requires_grad=False)
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Norm (N, C, ...)."""
        return F.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)


def taps2(module: nn.Module) -> nn.Module | None:
    """Return a `Taps2` in the place of a transposed convolution that doubles; None in that of anything else."""
    if not isinstance(module, nn.ConvTranspose2d) or module.groups != 1 or module.dilation != (1, 1):
        return None
    said = module.kernel_size, module.stride, module.padding, module.output_padding
    return Taps2(module) if said in (KERNEL_4, KERNEL_3) else None


KERNEL_4 = (4, 4), (2, 2), (1, 1), (0, 0)
KERNEL_3 = (3, 3), (2, 2), (1, 1), (1, 1)
"""Kernel, stride, padding and output padding; the second is the first with a last row and column of zeros."""
PHASES = (3, 1), (2, 0)
"""Of the even and the odd outputs of an axis: the two rows of the kernel that they see, in the order of the inputs."""


class Taps2(nn.Module):
    """A transposed convolution of stride 2 as an ordinary one of 2x2, and its channels laid out in space.

    Of an axis, output 2i is in[i-1] w[3] + in[i] w[1], and output 2i+1 is in[i] w[2] + in[i+1] w[0]. So one 2x2
    convolution with a padding of 1 has all four phases of the outputs in it, each shifted by its own, and no product is
    wasted. The arithmetic is that of sub-pixel convolution (Shi et al. 2016, section 3.2).

    Args:
        transposed: One that `taps2` takes.
    """

    def __init__(self, transposed: nn.ConvTranspose2d) -> None:
        super().__init__()
        weight = transposed.weight.detach()  # (in, out, 3 or 4, 3 or 4)
        weight = F.pad(weight, (0, 4 - weight.shape[3], 0, 4 - weight.shape[2]))
        phases = [weight[:, :, rows][:, :, :, columns] for rows in PHASES for columns in PHASES]
        inside, self.outside = weight.shape[:2]
        self.conv = nn.Conv2d(inside, 4 * self.outside, 2, padding=1, bias=transposed.bias is not None)
        self.conv.weight = nn.Parameter(torch.cat(phases, 1).transpose(0, 1).contiguous(), requires_grad=False)
        if transposed.bias is not None:
            self.conv.bias = nn.Parameter(transposed.bias.detach().repeat(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', 2H, 2W)."""
        even_even, even_odd, odd_even, odd_odd = self.conv(x).split(self.outside, 1)
        phases = [even_even[:, :, :-1, :-1], even_odd[:, :, :-1, 1:], odd_even[:, :, 1:, :-1], odd_odd[:, :, 1:, 1:]]
        return F.pixel_shuffle(torch.stack(phases, 2).flatten(1, 2), 2)
