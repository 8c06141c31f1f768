"""Import checkpoints as model folders: the same bits under other names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from i2i.config import Mode
from i2i.errors import DataError, UsageError
from i2i.fields import Field
from i2i.options import build
from i2i.plugins import lookup
from i2i.selection import Selection, select
from i2i.system.unfilled import unfilled
from i2i.translation.model import ModelConfig, origins, save_model
from i2i_import.networks import STATISTICS, Network, tensor_names
from i2i_import.reading import find_checkpoint, read_checkpoint
from i2i_import.recognition import recognise_discriminator, recognise_generator

RECIPE = "pix2pix"
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
    discriminator: Path | None = None,
    direction: Direction = "AtoB",
    dropout: bool | None = None,
    mode: Mode = "paper",
    size: int | None = None,
) -> Converted:
    """Turn a checkpoint into a model folder.

    Args:
        checkpoint: The generator's file, or a folder with ``latest_net_G.pth``.
        folder: The model folder, which must not be there yet.
        discriminator: The discriminator's file, ``latest_net_D.pth``.
        direction: Of the training.
        dropout: Whether a U-Net was trained with dropout, which its file does not tell; it was when not given.
        mode: How the model translates unless told otherwise.
        size: Height and width of its training images; 2**depth of a U-Net and 256 of a ResNet when not given.

    Raises:
        MissingInputError: If a file is not there.
        DataError: If a file is damaged, hostile, of an unknown layout, or its tensors are not those of its network.
        UsageError: If the folder is there, or what is said contradicts the files.
        OutputError: If the folder cannot be written.
    """
    check_new(folder)
    checkpoint = find_checkpoint(checkpoint)
    notes: list[str] = []
    values = read_checkpoint(checkpoint, notes)
    network = recognise_generator(values, str(checkpoint))
    if dropout is not None:
        if network.component != "unet":
            raise UsageError(f"{checkpoint} is a {network.title}, whose file tells its dropout. Leave --dropout away.")
        network.options["dropout"] = network.options["dropout"] if dropout else 0.0
    critic, critic_values = None, {}
    if discriminator is not None:
        critic_values = read_checkpoint(discriminator, notes)
        critic = recognise_discriminator(critic_values, str(discriminator))
    source, target = network.channels
    selection = _selection(network, critic, source, target, str(discriminator))
    weights = {network.kind: fit(values, network, selection, str(checkpoint), notes)}
    if critic is not None:
        weights[critic.kind] = fit(critic_values, critic, selection, str(discriminator), notes)
    config = ModelConfig(
        selection=selection,
        providers=origins(selection),
        fields={"source": Field(channels=source), "target": Field(channels=target)},
        size=(size or _size(network),) * 2,
        direction=direction,
        mode=mode,
        step=0,
    )
    save_model(folder, config, weights)
    return Converted([str(found) for found in (network, critic) if found is not None], notes)


def check_new(path: Path) -> None:
    """Refuse to replace anything.

    Raises:
        UsageError: If the path is there.
    """
    if path.exists():
        raise UsageError(f"{path} is there already. Choose another name, or delete it.")


def _selection(network: Network, critic: Network | None, source: int, target: int, where: str) -> Selection:
    options: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {network.kind: {"name": network.component, **network.options}}
    if critic is not None:
        (seen,) = critic.channels
        if seen not in (target, source + target):
            raise UsageError(
                f"{where} judges images of {seen} channels, but the generator maps {source} to {target}. "
                f"One that goes with it has {source + target}, or {target} without condition. Give its own."
            )
        options["conditional"] = seen == source + target
        parts[critic.kind] = {"name": critic.component, **critic.options}
    return select(RECIPE, options, parts)


def _size(network: Network) -> int:
    return 2 ** int(network.options["depth"]) if network.component == "unet" else RESNET_SIZE


def fit(
    values: Mapping[str, Tensor], network: Network, selection: Selection, where: str, notes: list[str]
) -> dict[str, Tensor]:
    """Return the file's tensors under our names.

    Args:
        values: Tensors by their names.
        network: What they were recognised as.
        selection: Our components.
        where: The file, for messages.
        notes: Receives a line for whatever is not as it was in the file.

    Raises:
        DataError: If one is missing, too many, or of another shape or type.
    """
    own = shapes(network, selection, values, where)
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


def shapes(network: Network, selection: Selection, values: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Build our network's tensors, the parameters without values.

    Args:
        network: What it is.
        selection: Our components.
        values: Tensors of a file: a network that is far larger than they are is not built.
        where: The file, for messages.

    Raises:
        DataError: If the network is too large, or its sizes are such that no computer can count them.
    """
    with unfilled(f"{where}: its {network}", [tensor.shape for tensor in values.values()]):
        chosen = selection.network(network.kind)
        cls = lookup(network.kind, chosen.name).cls
        module: nn.Module = build(cls, *network.channels, options=chosen.options, owner=str(network))
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
