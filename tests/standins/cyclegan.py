"""Networks as pytorch-CycleGAN-and-pix2pix builds them, in plain torch: what its checkpoints are made of.

Written from a description of its state dicts; module names and numbers are those of the files.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]
NORMS: dict[str, Norm] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=False, track_running_stats=False),
    "none": lambda channels: nn.Identity(),
}


class UnetBlock(nn.Module):
    """A U-Net's level: down, whatever is inside, up, and beside it what came in."""

    def __init__(
        self, outer: int, inner: int, inside: nn.Module | None, norm: str, *, source: int | None = None, dropout: bool
    ) -> None:
        super().__init__()
        self.outermost = source is not None
        bias, make = norm == "instance", NORMS[norm]
        down = nn.Conv2d(outer if source is None else source, inner, 4, 2, 1, bias=bias)
        leaky, relu = nn.LeakyReLU(0.2, True), nn.ReLU(True)
        if source is not None:
            assert inside is not None
            layers = [down, inside, relu, nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1), nn.Tanh()]
        elif inside is None:
            layers = [leaky, down, relu, nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=bias), make(outer)]
        else:
            up = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=bias)
            layers = [leaky, down, make(inner), inside, relu, up, make(outer)]
            if dropout:
                layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made if self.outermost else torch.cat([x, made], 1)


class Unet(nn.Module):
    """``unet_128`` (7 halvings), ``unet_256`` (8)."""

    def __init__(self, source: int, target: int, halvings: int, base: int, norm: str, dropout: bool) -> None:
        super().__init__()
        block = UnetBlock(8 * base, 8 * base, None, norm, dropout=False)
        for _ in range(halvings - 5):
            block = UnetBlock(8 * base, 8 * base, block, norm, dropout=dropout)
        for outer, inner in ((4, 8), (2, 4), (1, 2)):
            block = UnetBlock(outer * base, inner * base, block, norm, dropout=False)
        self.model = UnetBlock(target, base, block, norm, source=source, dropout=False)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made


class ResnetBlock(nn.Module):
    def __init__(self, channels: int, norm: str, dropout: bool) -> None:
        super().__init__()
        bias, make = norm == "instance", NORMS[norm]
        layers: list[nn.Module] = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), make(channels)]
        layers.append(nn.ReLU(True))
        if dropout:
            layers.append(nn.Dropout(0.5))
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), make(channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv_block(x)
        return x + made


class Resnet(nn.Module):
    """``resnet_6blocks``, ``resnet_9blocks``."""

    def __init__(self, source: int, target: int, blocks: int, base: int, norm: str, dropout: bool) -> None:
        super().__init__()
        bias, make = norm == "instance", NORMS[norm]
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(source, base, 7, bias=bias), make(base)]
        layers.append(nn.ReLU(True))
        for width in (base, 2 * base):
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), make(2 * width), nn.ReLU(True)]
        layers += [ResnetBlock(4 * base, norm, dropout) for _ in range(blocks)]
        for width in (4 * base, 2 * base):
            up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=bias)
            layers += [up, make(width // 2), nn.ReLU(True)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(base, target, 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made


class Patches(nn.Module):
    """``basic`` (3 layers), ``n_layers``."""

    def __init__(self, channels: int, layers: int, base: int, norm: str) -> None:
        super().__init__()
        stack: list[nn.Module] = [nn.Conv2d(channels, base, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        width = base
        for layer in range(1, layers + 1):
            before, width = width, base * min(2**layer, 8)
            stride = 2 if layer < layers else 1
            stack.append(nn.Conv2d(before, width, 4, stride, 1, bias=norm == "instance"))
            stack += [NORMS[norm](width), nn.LeakyReLU(0.2, True)]
        self.model = nn.Sequential(*stack, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made


class Pixels(nn.Module):
    """``pixel``."""

    def __init__(self, channels: int, base: int, norm: str) -> None:
        super().__init__()
        bias = norm == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(channels, base, 1),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(base, 2 * base, 1, bias=bias),
            NORMS[norm](2 * base),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(2 * base, 1, 1, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.net(x)
        return made


def trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with values in all of its tensors that no initialisation would give, running averages included."""
    random = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn(tensor.shape, generator=random)
            scale = 1.4 / max(tensor[0].numel(), 1) ** 0.5 if tensor.ndim == 4 else 0.2
            around = 1.0 if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")) else 0.0
            tensor.copy_((around + scale * values).abs() if around else scale * values)
        else:
            tensor.fill_(seed + 7)
    return network


def stray_statistics(network: nn.Module) -> dict[str, Tensor]:
    """The state dict as torch before 0.4 wrote it: with statistics of instance norms, which nothing reads."""
    state: dict[str, Any] = dict(network.state_dict())
    for name, module in network.named_modules():
        if isinstance(module, nn.InstanceNorm2d):
            state[f"{name}.running_mean"] = torch.full((module.num_features,), 0.5)
            state[f"{name}.running_var"] = torch.full((module.num_features,), 2.0)
            state[f"{name}.num_batches_tracked"] = torch.tensor(3)
    return state
