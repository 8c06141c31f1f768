"""Describe the networks of pytorch-CycleGAN-and-pix2pix: our components, and where their tensors are, there and here.

The format is a state dict and nothing else: ``networks.py`` of github.com/junyanz/pytorch-CycleGAN-and-pix2pix decides
its names. The layers that hold tensors are listed in the order in which that code registers them, so that what is
written back has its order too.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

DROPOUT = 0.5
"""Probability of every dropout layer in that code."""
FEWEST_HALVINGS = 5
"""That code builds no U-Net that halves the image less often."""

SUFFIXES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a layer, in the order of a state dict."""
STATISTICS = SUFFIXES[2:]
"""Those that instance norms of files from before torch 0.4 hold to no purpose."""


@dataclass(frozen=True)
class Network:
    """A network of the format."""

    title: str
    """What a person calls it."""
    kind: str
    """``generator`` or ``discriminator``."""
    component: str
    """Our component that computes the same."""
    options: dict[str, Any]
    """Its options."""
    channels: tuple[int, ...]
    """What it is wired with: channels in, and out for a generator."""
    layers: Mapping[str, str]
    """Convolutions and norms: the module's name in their network -> in ours, in the order of their state dict."""

    @property
    def norm(self) -> str:
        """Return its norm."""
        return str(self.options["norm"])

    def __str__(self) -> str:
        """Return everything that a file tells of it, for a person."""
        norm = "no norm" if self.norm == "none" else f"{self.norm} norm"
        channels = " -> ".join(map(str, self.channels))
        return f"{self.title}, {self.options['base_channels']} wide, with {norm}, for channels {channels}"


def unet(depth: int, base: int, norm: str, dropout: bool, channels: tuple[int, ...]) -> Network:
    """Describe a U-Net: with dropout where 8 times the first width goes to 8 times the first width.

    Its layers are those of the way down from the image to the bottleneck, then those of the way up.
    """
    down, up = {"model.model.0": "down.0.0"}, list[tuple[str, str]]()
    for level in range(1, depth):
        prefix, ours, innermost = unet_level(level), f"up.{depth - 1 - level}", level == depth - 1
        down[f"{prefix}.1"] = f"down.{level}.1"
        if not innermost:
            down[f"{prefix}.2"] = f"down.{level}.2"
        convolution, after = (3, 4) if innermost else (5, 6)
        up += [(f"{prefix}.{after}", f"{ours}.2"), (f"{prefix}.{convolution}", f"{ours}.1")]
    layers = {**down, **dict(reversed(up)), "model.model.3": f"up.{depth - 1}.1"}
    options = {"depth": depth, **_options(base, norm, dropout), "dropout_layers": list(range(2, depth - 3))}
    return Network(f"U-Net of depth {depth}", "generator", "unet", options, channels, layers)


def unet_level(level: int) -> str:
    """Return the prefix of the blocks within blocks of a U-Net, from 1, the one inside the outermost."""
    return "model.model.1" + ".model.3" * (level - 1) + ".model"


def resnet(blocks: int, base: int, norm: str, dropout: bool, channels: tuple[int, ...]) -> Network:
    """Describe a residual generator; dropout between the convolutions of a block moves the second by one."""
    layers = {"model.1": "enter.1", "model.2": "enter.2"}
    for i in range(2):
        layers |= {f"model.{4 + 3 * i}": f"down.{i}.0", f"model.{5 + 3 * i}": f"down.{i}.1"}
    for block in range(blocks):
        prefix, ours, second = f"model.{10 + block}.conv_block", f"blocks.{block}", 6 if dropout else 5
        layers |= {f"{prefix}.1": f"{ours}.first.1", f"{prefix}.2": f"{ours}.first.2"}
        layers |= {f"{prefix}.{second}": f"{ours}.second.1", f"{prefix}.{second + 1}": f"{ours}.second.2"}
    for i in range(2):
        number = 10 + blocks + 3 * i
        layers |= {f"model.{number}": f"up.{i}.0", f"model.{number + 1}": f"up.{i}.1"}
    layers[f"model.{17 + blocks}"] = "leave.1"
    options = {"blocks": blocks, **_options(base, norm, dropout)}
    return Network(f"ResNet of {blocks} blocks", "generator", "resnet", options, channels, layers)


def _options(base: int, norm: str, dropout: bool) -> dict[str, Any]:
    return {"base_channels": base, "norm": norm, "dropout": DROPOUT if dropout else 0.0}


def patchgan(depth: int, base: int, norm: str, channels: int) -> Network:
    """Describe a discriminator of patches (``basic``, ``n_layers``); 0 layers are the one of pixels (``pixel``).

    Without a norm, theirs has an identity in its place, and ours has nothing.
    """
    root, hidden = ("model", depth) if depth else ("net", 1)
    stride = 2 if norm == "none" else 3
    layers = {f"{root}.0": "stack.0"}
    for i in range(hidden):
        layers[f"{root}.{2 + 3 * i}"] = f"stack.{2 + stride * i}"
        if norm != "none":
            layers[f"{root}.{3 + 3 * i}"] = f"stack.{3 + stride * i}"
    layers[f"{root}.{2 + 3 * hidden}"] = f"stack.{2 + stride * hidden}"
    title = f"discriminator of {depth} layer{'s' * (depth > 1)}" if depth else "discriminator of pixels"
    options = {"layers": depth, "base_channels": base, "norm": norm}
    return Network(title, "discriminator", "patchgan", options, (channels,), layers)


def tensor_names(layers: Mapping[str, str], own: Container[str]) -> dict[str, str]:
    """Return their name -> ours, of every tensor that our network has."""
    return {
        f"{theirs}.{suffix}": f"{ours}.{suffix}"
        for theirs, ours in layers.items()
        for suffix in SUFFIXES
        if f"{ours}.{suffix}" in own
    }
