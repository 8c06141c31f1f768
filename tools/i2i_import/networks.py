"""The networks of pytorch-CycleGAN-and-pix2pix as that code builds them, by our components."""

from dataclasses import dataclass
from typing import Any

from i2i_import import layouts
from i2i_import.layouts import Layer

DROPOUT = 0.5
"""Probability of every dropout layer in that code."""
FEWEST_HALVINGS = 5
"""That code builds no U-Net that halves the image less often."""


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
        """Its norm."""
        return str(self.options["norm"])

    def __str__(self) -> str:
        """Everything that a file tells of it, for a person."""
        norm = "no norm" if self.norm == "none" else f"{self.norm} norm"
        channels = " -> ".join(map(str, self.channels))
        return f"{self.title}, {self.options['base_channels']} wide, with {norm}, for channels {channels}"


def unet(depth: int, base: int, norm: str, dropout: bool, channels: tuple[int, ...]) -> Network:
    """A U-Net: with dropout where 8 times the first width goes to 8 times the first width."""
    options = {"depth": depth, **_options(base, norm, dropout), "dropout_layers": list(range(2, depth - 3))}
    return Network(f"U-Net of depth {depth}", "generator", "unet", options, channels, layouts.unet(depth))


def resnet(blocks: int, base: int, norm: str, dropout: bool, channels: tuple[int, ...]) -> Network:
    """A residual generator."""
    options = {"blocks": blocks, **_options(base, norm, dropout)}
    layers = layouts.resnet(blocks, dropout)
    return Network(f"ResNet of {blocks} blocks", "generator", "resnet", options, channels, layers)


def _options(base: int, norm: str, dropout: bool) -> dict[str, Any]:
    return {"base_channels": base, "norm": norm, "dropout": DROPOUT if dropout else 0.0}


def patchgan(layers: int, base: int, norm: str, channels: int) -> Network:
    """A discriminator; 0 layers are the one of pixels."""
    title = f"discriminator of {layers} layer{'s' * (layers > 1)}" if layers else "discriminator of pixels"
    options = {"layers": layers, "base_channels": base, "norm": norm}
    return Network(title, "discriminator", "patchgan", options, (channels,), layouts.patchgan(layers, norm))
