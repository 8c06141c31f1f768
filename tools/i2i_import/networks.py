"""Describe the networks of pytorch-CycleGAN-and-pix2pix: our components, and where their tensors are, there and here.

The format is a state dict and nothing else: ``networks.py`` of github.com/junyanz/pytorch-CycleGAN-and-pix2pix decides
its names. The layers that hold tensors are listed in the order in which that code registers them, so that what is
written back has its order too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

DROPOUT = 0.5
"""Probability of every dropout layer in that code."""
FEWEST_HALVINGS = 5
"""That code builds no U-Net that halves the image less often."""

SUFFIXES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Tensors of a layer, in the order of a state dict."""
STATISTICS = SUFFIXES[2:]
"""Those that instance norms of files from before torch 0.4 hold to no purpose."""


class Layer(NamedTuple):
    """One convolution or norm: the module's name in their network, and in ours."""

    theirs: str
    ours: str
    norm: bool = False


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
    layers: list[Layer]
    """Where its tensors are, there and here."""

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
    """Describe a U-Net: with dropout where 8 times the first width goes to 8 times the first width."""
    options = {"depth": depth, **_options(base, norm, dropout), "dropout_layers": list(range(2, depth - 3))}
    return Network(f"U-Net of depth {depth}", "generator", "unet", options, channels, unet_layers(depth))


def resnet(blocks: int, base: int, norm: str, dropout: bool, channels: tuple[int, ...]) -> Network:
    """Describe a residual generator."""
    options = {"blocks": blocks, **_options(base, norm, dropout)}
    layers = resnet_layers(blocks, dropout)
    return Network(f"ResNet of {blocks} blocks", "generator", "resnet", options, channels, layers)


def _options(base: int, norm: str, dropout: bool) -> dict[str, Any]:
    return {"base_channels": base, "norm": norm, "dropout": DROPOUT if dropout else 0.0}


def patchgan(layers: int, base: int, norm: str, channels: int) -> Network:
    """Describe a discriminator; 0 layers are the one of pixels."""
    title = f"discriminator of {layers} layer{'s' * (layers > 1)}" if layers else "discriminator of pixels"
    options = {"layers": layers, "base_channels": base, "norm": norm}
    return Network(title, "discriminator", "patchgan", options, (channels,), patchgan_layers(layers, norm))


def unet_level(level: int) -> str:
    """Return the prefix of the blocks within blocks of a U-Net, from 1, the one inside the outermost."""
    return "model.model.1" + ".model.3" * (level - 1) + ".model"


def unet_layers(depth: int) -> list[Layer]:
    """List a U-Net: the way down from the image to the bottleneck, then the way up."""
    down, up = [Layer("model.model.0", "down.0.0")], []
    for level in range(1, depth):
        prefix, ours, innermost = unet_level(level), f"up.{depth - 1 - level}", level == depth - 1
        down.append(Layer(f"{prefix}.1", f"down.{level}.1"))
        if not innermost:
            down.append(Layer(f"{prefix}.2", f"down.{level}.2", norm=True))
        convolution, norm = (3, 4) if innermost else (5, 6)
        up += [Layer(f"{prefix}.{norm}", f"{ours}.2", norm=True), Layer(f"{prefix}.{convolution}", f"{ours}.1")]
    return [*down, *reversed(up), Layer("model.model.3", f"up.{depth - 1}.1")]


def resnet_layers(blocks: int, dropout: bool) -> list[Layer]:
    """List a residual generator; a dropout layer between the convolutions of a block moves the second by one."""
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


def patchgan_layers(layers: int, norm: str) -> list[Layer]:
    """List a discriminator of patches (``basic``, ``n_layers``); 0 layers are the one of pixels (``pixel``).

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


def tensor_names(layers: Iterable[Layer], own: Mapping[str, object]) -> dict[str, str]:
    """Return their name -> ours, of every tensor that our network has."""
    return {
        f"{layer.theirs}.{suffix}": f"{layer.ours}.{suffix}"
        for layer in layers
        for suffix in SUFFIXES
        if f"{layer.ours}.{suffix}" in own
    }
