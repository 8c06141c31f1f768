"""Recognise from the names and shapes of a checkpoint's tensors which network they are."""

import re
from collections.abc import Mapping
from itertools import takewhile

from torch import Tensor

from i2i.errors import DataError
from i2i_import.networks import FEWEST_HALVINGS, Network, patchgan, resnet, unet, unet_level


def recognise_generator(values: Mapping[str, Tensor], where: str) -> Network:
    """Recognise the generator that a checkpoint holds.

    The dropout of a U-Net leaves no trace: it is said to be there, as in that code's default for pix2pix.

    Raises:
        DataError: If it is none of the format.
    """
    if "model.model.0.weight" in values:
        return _unet(values, where)
    if "model.10.conv_block.1.weight" in values:
        return _resnet(values, where)
    if _is_discriminator(values):
        raise DataError(f"{where} is a discriminator. Give the generator's file, and this one with --discriminator.")
    raise _unknown(values, where, "generator", "unet and resnet")


def recognise_discriminator(values: Mapping[str, Tensor], where: str) -> Network:
    """Recognise the discriminator that a checkpoint holds.

    Raises:
        DataError: If it is none of the format.
    """
    if not _is_discriminator(values):
        raise _unknown(values, where, "discriminator", "basic, n_layers and pixel")
    root = "net" if "net.0.weight" in values else "model"
    base, channels, *_ = _weight(values, f"{root}.0.weight", where)
    numbers = takewhile(lambda number: f"{root}.{number}.weight" in values, range(2, 3 * len(values) + 3, 3))
    layers = len(list(numbers)) - 1 if root == "model" else 0
    return patchgan(layers, base, _norm(values, f"{root}.3", f"{root}.2"), channels)


def _weight(values: Mapping[str, Tensor], name: str, where: str) -> tuple[int, int, int, int]:
    """Return the shape of a convolution's weight.

    Raises:
        DataError: If it is missing, or is no such weight.
    """
    if name not in values:
        raise DataError(f"{where} lacks the tensor {name!r}. Give the file as it was saved.")
    shape = tuple(values[name].shape)
    if len(shape) != 4 or 0 in shape:
        raise DataError(f"{where}: {name!r} of shape {shape} is no weight of a convolution. Save it again.")
    return shape


def _norm(values: Mapping[str, Tensor], norm: str, convolution: str) -> str:
    """Return the norm in a place: one with weights is batch norm, and a bias in front stands for instance norm."""
    if f"{norm}.weight" in values:
        return "batch"
    return "instance" if f"{convolution}.bias" in values else "none"


def _is_discriminator(values: Mapping[str, Tensor]) -> bool:
    return any(
        {f"{root}.0.weight", f"{root}.2.weight", f"{root}.5.weight"} <= values.keys() for root in ("model", "net")
    )


def _unet(values: Mapping[str, Tensor], where: str) -> Network:
    levels = takewhile(lambda level: f"{unet_level(level)}.1.weight" in values, range(1, len(values) + 1))
    depth = 1 + len(list(levels))
    if depth < FEWEST_HALVINGS:
        raise DataError(
            f"{where} is a U-Net of depth {depth}, and that format begins at {FEWEST_HALVINGS}. "
            "Give the file as it was saved."
        )
    base, source, *_ = _weight(values, "model.model.0.weight", where)
    _, target, *_ = _weight(values, "model.model.3.weight", where)
    return unet(depth, base, _norm(values, f"{unet_level(1)}.2", "model.model.0"), True, (source, target))


def _resnet(values: Mapping[str, Tensor], where: str) -> Network:
    numbers = {int(found[1]) for name in values if (found := re.match(r"model\.(\d{1,6})\.conv_block\.", name))}
    blocks = min(max(numbers) - 9, len(values))  # one that is missing in between is named later
    dropout = "model.10.conv_block.5.weight" not in values
    base, source, *_ = _weight(values, "model.1.weight", where)
    target, *_ = _weight(values, f"model.{17 + blocks}.weight", where)
    return resnet(blocks, base, _norm(values, "model.2", "model.1"), dropout, (source, target))


def _unknown(values: Mapping[str, Tensor], where: str, kind: str, known: str) -> DataError:
    names = list(values)
    seen = ", ".join(repr(name[:80]) for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return DataError(
        f"{where} is no {kind} of a known layout: it has {seen or 'no tensors'}. "
        f"Give one of pytorch-CycleGAN-and-pix2pix ({known})."
    )
