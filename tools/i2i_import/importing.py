"""Import checkpoints as model folders: the same bits under other names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from i2i.config import Mode
from i2i.errors import DataError, UsageError
from i2i.options import build
from i2i.plugins import lookup
from i2i.system.unfilled import unfilled
from i2i.translation.model import ModelConfig, origins, save_model
from i2i_import.matching import check_files, kind_of, matched
from i2i_import.networks import STATISTICS, Network, tensor_names
from i2i_import.reading import find_checkpoints, read_checkpoint
from i2i_import.recognition import recognise_discriminator, recognise_generator

RESNET_SIZE = 256
"""What that code crops images to unless told otherwise."""

COUNTER = "num_batches_tracked"
"""Files from before torch 0.4.1 have none, and torch itself counts from 0 then."""
HALF = (torch.float16, torch.bfloat16)

Direction = Literal["AtoB", "BtoA"]


class Converted(NamedTuple):
    """What was made, in words."""

    networks: list[str]
    notes: list[str]
    """What is not as it was in the file, or as it would be in the other code."""


def import_checkpoint(
    checkpoint: Path,
    folder: Path,
    *,
    back: Path | None = None,
    discriminator: Path | None = None,
    discriminator_back: Path | None = None,
    direction: Direction = "AtoB",
    dropout: bool | None = None,
    mode: Mode = "paper",
    size: int | None = None,
) -> Converted:
    """Turn checkpoints into a model folder: of pix2pix, or of CycleGAN where there is a generator of the way back.

    Args:
        checkpoint: The generator's file, or a folder with ``latest_net_G.pth``, or with all of a CycleGAN.
        folder: The model folder, which must not be there yet.
        back: The file of the generator of the way back, ``latest_net_G_B.pth``.
        discriminator: The discriminator's file, ``latest_net_D.pth``; of a CycleGAN ``latest_net_D_A.pth``.
        discriminator_back: The file of the one that judges what comes back, ``latest_net_D_B.pth``.
        direction: Of the training.
        dropout: Whether a U-Net was trained with dropout, which its file does not tell; when not given, one of pix2pix
            was and one of CycleGAN was not.
        mode: How the model translates unless told otherwise.
        size: Height and width of its training images; 2**depth of a U-Net and 256 of a ResNet when not given.

    Raises:
        MissingInputError: If a file is not there.
        DataError: If a file is damaged, hostile, of an unknown layout, or its tensors are not those of its network.
        UsageError: If the folder is there, what is said contradicts the files, or they do not go together.
        OutputError: If the folder cannot be written.
    """
    check_new(folder)
    given = {"generator_back": back, "discriminator": discriminator, "discriminator_back": discriminator_back}
    files = find_checkpoints(checkpoint) | {part: path for part, path in given.items() if path is not None}
    check_files(files)
    notes: list[str] = []
    values: dict[str, dict[str, Tensor]] = {}
    networks: dict[str, Network] = {}
    for part, path in files.items():
        values[part] = read_checkpoint(path, notes)
        recognise = recognise_generator if kind_of(part) == "generator" else recognise_discriminator
        networks[part] = recognise(values[part], str(path))
        if kind_of(part) == "generator":
            _say_dropout(networks[part], dropout, path, usual="generator_back" not in files)
    selection, fields = matched(networks, files)
    weights = {part: fit(values[part], network, str(files[part]), notes) for part, network in networks.items()}
    config = ModelConfig(
        selection=selection,
        providers=origins(selection),
        fields=fields,
        size=(size or _size(networks["generator"]),) * 2,
        direction=direction,
        mode=mode,
        step=0,
    )
    save_model(folder, config, weights)
    return Converted([str(network) for network in networks.values()], notes)


def check_new(path: Path) -> None:
    """Refuse to replace anything.

    Raises:
        UsageError: If the path is there.
    """
    if path.exists():
        raise UsageError(f"{path} is there already. Choose another name, or delete it.")


def _say_dropout(network: Network, dropout: bool | None, where: Path, *, usual: bool) -> None:
    """Set the dropout of a U-Net, which its file does not tell; ``usual`` is whether it has some unless told."""
    if network.component == "unet":
        if not (usual if dropout is None else dropout):
            network.options["dropout"] = 0.0
    elif dropout is not None:
        raise UsageError(f"{where} is a {network.title}, whose file tells its dropout. Leave --dropout away.")


def _size(network: Network) -> int:
    return 2 ** int(network.options["depth"]) if network.component == "unet" else RESNET_SIZE


def fit(values: Mapping[str, Tensor], network: Network, where: str, notes: list[str]) -> dict[str, Tensor]:
    """Return the file's tensors under our names.

    Args:
        values: Tensors by their names.
        network: What they were recognised as.
        where: The file, for messages.
        notes: Receives a line for whatever is not as it was in the file.

    Raises:
        DataError: If one is missing, too many, or of another shape or type.
    """
    own = shapes(network, values, where)
    names = tensor_names(network.layers, own)
    found = dict(values)
    norms = [theirs for theirs, ours in network.layers.items() if f"{ours}.weight" not in own]
    statistics = {f"{norm}.{suffix}" for norm in norms for suffix in STATISTICS}
    if network.norm == "instance" and (stray := statistics & found.keys()):
        notes.append(f"{where}: {len(stray)} statistics of instance norms left out: they are not used.")
        found = {name: tensor for name, tensor in found.items() if name not in stray}
    counters = {name: torch.zeros((), dtype=torch.int64) for name in names if name.endswith(f".{COUNTER}")}
    if counters and not counters.keys() & found.keys():
        notes.append(f"{where}: it counts no batches, so they count from 0.")
        found |= counters
    _check_names(found, names, network, where)
    for theirs, ours in names.items():
        _check_tensor(theirs, found[theirs], own[ours], network, where)
    halves = [name for name in names if found[name].dtype in HALF]
    if halves:
        notes.append(f"{where}: {len(halves)} tensors of half precision widened to single, without loss.")
    return {ours: found[theirs].to(own[ours].dtype) for theirs, ours in names.items()}


def shapes(network: Network, values: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Build our network's tensors, the parameters without values.

    Args:
        network: What it is.
        values: Tensors of a file: a network that is far larger than they are is not built.
        where: The file, for messages.

    Raises:
        DataError: If the network is too large, or its sizes are such that no computer can count them.
    """
    with unfilled(f"{where}: its {network}", [tensor.shape for tensor in values.values()]):
        cls = lookup(network.kind, network.component).cls
        module: nn.Module = build(cls, *network.channels, options=network.options, owner=str(network))
    return module.state_dict()


def _check_names(found: Mapping[str, Tensor], names: Mapping[str, str], network: Network, where: str) -> None:
    missing = [f"lacks the tensor {name!r} of" for name in names if name not in found]
    extra = [f"has the tensor {name!r}, which is none of" for name in sorted(found.keys() - names.keys())]
    if problems := missing + extra:
        more = f" ({len(problems) - 1} more do not fit)" if len(problems) > 1 else ""
        raise DataError(f"{where} {problems[0]} a {network}{more}. Give the file as it was saved.")


def _check_tensor(name: str, given: Tensor, expected: Tensor, network: Network, where: str) -> None:
    if given.shape != expected.shape:
        said = f"of shape {tuple(given.shape)}, and {tuple(expected.shape)} in a {network}"
        raise DataError(f"{where}: {name!r} is {said}. Give the file as it was saved.")
    if given.dtype != expected.dtype and not (expected.dtype == torch.float32 and given.dtype in HALF):
        said = f"{given.dtype}, and {expected.dtype} in that format"
        raise DataError(f"{where}: {name!r} is {said}. Save it again as such.")
