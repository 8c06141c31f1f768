"""What losses and metrics look through: networks that see images, by name, and the files of their weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from i2i.contracts import Features
from i2i.errors import DataError, MissingInputError
from i2i.options import build
from i2i.plugins import lookup

FLOOR = 1e-10
"""Under the root of a length, so that features of all 0 have a gradient."""


def build_features(name: str, weights: str = "") -> Features:
    """Build the installed features of that name.

    Args:
        name: Such as ``lite0``.
        weights: File of the network's weights; empty for those of a package, where there is one.

    Raises:
        UnknownNameError: If no plugin provides them.
        UsageError: If they need weights that are not given.
        MissingInputError: If there is no such file.
        DataError: If it cannot be read or does not fit.
    """
    features: Features = build(lookup("features", name).cls, options={"weights": weights}, owner=f"features {name!r}")
    return features


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read tensors by name onto the CPU: safetensors, or a bare state dict of torch. Nothing else is unpickled.

    Raises:
        MissingInputError: If there is no such file.
        DataError: If it cannot be read, or holds anything but tensors by name.
    """
    if not path.is_file():
        raise MissingInputError(f"There is no weight file {path}. Check the path.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the parsers of both formats come upon
        raise DataError(f"{path} cannot be read as weights ({type(error).__name__}). Copy it again.") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise DataError(f"{path} holds no tensors by name. Give a file with the bare weights.")
    return weights


def take(weights: Mapping[str, Tensor], name: str, shape: tuple[int | None, ...], network: str) -> Tensor:
    """Return a tensor of the file as float32, of that shape; None stands for any length.

    Raises:
        DataError: If it is missing, or of another shape.
    """
    found = weights.get(name)
    fits = found is not None and len(found.shape) == len(shape)
    if found is None or not fits or any(b not in (None, a) for a, b in zip(found.shape, shape, strict=True)):
        held = "no such tensor" if found is None else f"one of shape {tuple(found.shape)}"
        wanted = "x".join("?" if side is None else str(side) for side in shape)
        raise DataError(f"Weights of {network} hold {name!r} of {wanted}, but there is {held}. Check which file it is.")
    return found.detach().float()


def distances(seen: Sequence[Tensor], wanted: Sequence[Tensor]) -> list[Tensor]:
    """Return how far features are from each other at each place, (N, h, w) in [0, 4] of each map (N, c, h, w).

    Both are brought to length 1 at every place, and their squared difference is summed over the channels (Zhang et al.
    2018, arXiv 1801.03924, equation 1, with all channels alike).
    """
    return [(_unit(a) - _unit(b)).square().sum(1) for a, b in zip(seen, wanted, strict=True)]


def _unit(features: Tensor) -> Tensor:
    return features / torch.sqrt(features.square().sum(1, keepdim=True) + FLOOR)
