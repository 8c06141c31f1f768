"""Where the networks of pytorch-CycleGAN-and-pix2pix keep their tensors, and where ours keep the same ones.

The format is a state dict and nothing else: ``networks.py`` of github.com/junyanz/pytorch-CycleGAN-and-pix2pix decides
its names. A layout lists the layers that hold tensors in the order in which that code registers them, so that what is
written back has its order too.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

SUFFIXES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a layer, in the order of a state dict."""
STATISTICS = SUFFIXES[2:]
"""Those that instance norms of files from before torch 0.4 hold to no purpose."""


class Layer(NamedTuple):
    """One convolution or norm: the module's name in their network, and in ours."""

    theirs: str
    ours: str
    norm: bool = False


def unet_level(level: int) -> str:
    """Prefix of the blocks within blocks of a U-Net, from 1, the one inside the outermost."""
    return "model.model.1" + ".model.3" * (level - 1) + ".model"


def unet(depth: int) -> list[Layer]:
    """A U-Net: the way down from the image to the bottleneck, then the way up."""
    down, up = [Layer("model.model.0", "down.0.0")], []
    for level in range(1, depth):
        prefix, ours, innermost = unet_level(level), f"up.{depth - 1 - level}", level == depth - 1
        down.append(Layer(f"{prefix}.1", f"down.{level}.1"))
        if not innermost:
            down.append(Layer(f"{prefix}.2", f"down.{level}.2", norm=True))
        convolution, norm = (3, 4) if innermost else (5, 6)
        up += [Layer(f"{prefix}.{norm}", f"{ours}.2", norm=True), Layer(f"{prefix}.{convolution}", f"{ours}.1")]
    return [*down, *reversed(up), Layer("model.model.3", f"up.{depth - 1}.1")]


def resnet(blocks: int, dropout: bool) -> list[Layer]:
    """A residual generator; a dropout layer between the convolutions of a block moves the second by one."""
    layers = [Layer("model.1", "enter.1"), Layer("model.2", "enter.2", norm=True)]
    for i in range(2):
        layers += [Layer(f"model.{4 + 3 * i}", f"down.{i}.0"), Layer(f"model.{5 + 3 * i}", f"down.{i}.1", norm=True)]
    for block in range(blocks):
        prefix, second = f"model.{10 + block}.conv_block", 6 if dropout else 5
        for half, convolution in (("first", 1), ("second", second)):
            ours = f"blocks.{block}.{half}"
            layers.append(Layer(f"{prefix}.{convolution}", f"{ours}.1"))
            layers.append(Layer(f"{prefix}.{convolution + 1}", f"{ours}.2", norm=True))
    for i in range(2):
        number = 10 + blocks + 3 * i
        layers += [Layer(f"model.{number}", f"up.{i}.0"), Layer(f"model.{number + 1}", f"up.{i}.1", norm=True)]
    return [*layers, Layer(f"model.{17 + blocks}", "leave.1")]


def patchgan(layers: int, norm: str) -> list[Layer]:
    """A discriminator of patches (``basic``, ``n_layers``); 0 layers are the one of pixels (``pixel``).

    Without a norm, theirs has an identity in its place, and ours has nothing.
    """
    root, hidden = ("model", layers) if layers else ("net", 1)
    stride = 2 if norm == "none" else 3
    found = [Layer(f"{root}.0", "stack.0")]
    for i in range(hidden):
        theirs, ours = 2 + 3 * i, 2 + stride * i
        found.append(Layer(f"{root}.{theirs}", f"stack.{ours}"))
        if norm != "none":
            found.append(Layer(f"{root}.{theirs + 1}", f"stack.{ours + 1}", norm=True))
    return [*found, Layer(f"{root}.{2 + 3 * hidden}", f"stack.{2 + stride * hidden}")]


def names(layers: Iterable[Layer], own: Mapping[str, object]) -> dict[str, str]:
    """Their name -> ours, of every tensor that our network has."""
    return {
        f"{layer.theirs}.{suffix}": f"{layer.ours}.{suffix}"
        for layer in layers
        for suffix in SUFFIXES
        if f"{layer.ours}.{suffix}" in own
    }
