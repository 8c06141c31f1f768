"""Export model folders as checkpoints: the same bits under the names that the other code gives them."""

import io
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.options import complete
from i2i.plugins import lookup
from i2i.system.files import make_folder, write_atomically
from i2i.training.initial import newest_state
from i2i.translation.model import ModelConfig, find_model, load_weights, read_config, weights_file
from i2i_import.importing import Converted, check_new, shapes
from i2i_import.networks import FEWEST_HALVINGS, Network, patchgan, resnet, tensor_names, unet

PAPERS = {"upsample": "transposed", "bounded": True, "spectral": False}
"""Options that the other code has not: as the papers have it, and so has it."""


def export_checkpoint(model: Path, checkpoint: Path, *, discriminator: Path | None = None) -> Converted:
    """Write the networks of a model folder as checkpoints.

    Args:
        model: A model folder, a run's or a checkpoint's. Of a run, a generator alone is that of its model, and both
            networks are those of its newest checkpoint: its model need not have the discriminator, and one from
            another step would not go with it.
        checkpoint: File for the generator, which must not be there yet.
        discriminator: File for the discriminator, likewise.

    Raises:
        MissingInputError: If there is no model, or no discriminator in it.
        DataError: If it is damaged.
        UsageError: If a file is there, or that code has no such network.
        OutputError: If a file cannot be written.
    """
    state = model if discriminator is None else newest_state(model)
    folder = find_model(state)
    config = read_config(folder)
    notes = [] if state == model else [f"Both networks are those of step {config.step}: {state}."]
    networks = [(_exportable(config, notes), checkpoint)]
    if discriminator is not None:
        if not config.holds("discriminator"):
            raise MissingInputError(f"{folder} holds no discriminator. Leave --discriminator away.")
        networks.append((_exportable_critic(config), discriminator))
    for _, path in networks:
        check_new(path)
    if checkpoint == discriminator:
        raise UsageError(f"{checkpoint} cannot hold both networks. Give two files.")
    files = [(path, _converted(folder, config, network)) for network, path in networks]
    for path, data in files:  # only now, so that one that is damaged leaves nothing
        make_folder(path.parent)
        write_atomically(path, data)
    return Converted([str(network) for network, _ in networks], notes)


def _converted(folder: Path, config: ModelConfig, network: Network) -> bytes:
    """Return the file of a network: its tensors under the other code's names, in its order."""
    own = load_weights(folder, config, network.kind)
    expected = shapes(network, config.selection, own, str(folder))
    if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in expected.items()}:
        raise DataError(f"{folder / weights_file(network.kind)} holds no {network}. Copy it again.")
    buffer = io.BytesIO()
    named = tensor_names(network.layers, own)
    torch.save(OrderedDict((theirs, own[ours]) for theirs, ours in named.items()), buffer)
    return buffer.getvalue()


def _exportable(config: ModelConfig, notes: list[str]) -> Network:
    """Describe the generator of a model, as that code builds it."""
    name, options = _component(config, "generator")
    wiring = (config.fields["source"].channels, config.fields["target"].channels)
    if name not in ("resnet", "unet"):
        raise UsageError(f"That code has no generator {name!r}, only U-Nets and ResNets. Keep the model folder.")
    dropout = options["dropout"] > 0
    shape = (int(options["base_channels"]), str(options["norm"]), dropout, wiring)
    if name == "unet" and options["depth"] < FEWEST_HALVINGS:
        depths = f"of depth {options['depth']}, only from {FEWEST_HALVINGS} on"
        raise UsageError(f"That code has no U-Net {depths}. Keep the model folder.")
    network = unet(options["depth"], *shape) if name == "unet" else resnet(options["blocks"], *shape)
    theirs = {option: value for option, value in network.options.items() if option.startswith("dropout")}
    if dropout and any(options[option] != value for option, value in theirs.items()):
        said = ", ".join(f"{option}={value}" for option, value in theirs.items())
        notes.append(f"That code has {said}, unlike the model: the same pictures come out with its --eval only.")
    return network


def _exportable_critic(config: ModelConfig) -> Network:
    """Describe the discriminator of a model, as that code builds it."""
    name, options = _component(config, "discriminator")
    if name != "patchgan":
        raise UsageError(f"That code has no discriminator {name!r}. Leave --discriminator away.")
    conditional = config.selection.recipe.options.get("conditional", True)
    channels = config.fields["target"].channels + (config.fields["source"].channels if conditional else 0)
    return patchgan(options["layers"], options["base_channels"], options["norm"], channels)


def _component(config: ModelConfig, part: str) -> tuple[str, dict[str, Any]]:
    """Return name and all options of a part.

    Raises:
        UnknownNameError: If it is not installed.
        UsageError: If the installed one refuses the options, or the other code has them not.
    """
    component = config.selection.network(part)
    cls = lookup(part, component.name).cls
    options = complete(cls, component.options, f"{part} {component.name!r}")
    for option, value in PAPERS.items():
        if options.get(option, value) != value:
            raise UsageError(f"That code has no {part} with {option}={options[option]}. Keep the model folder.")
    return component.name, options
