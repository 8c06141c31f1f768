"""Export model folders as checkpoints: the same bits under the names that the other code gives them."""

import io
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from i2i.contracts import Wire
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.options import complete
from i2i.plugins import lookup
from i2i.system.files import make_folder, write_atomically
from i2i.training.initial import newest_state
from i2i.translation.model import ModelConfig, find_model, load_weights, read_config, weights_file
from i2i.translation.parts import recipe_of
from i2i_import.importing import Converted, check_new, shapes
from i2i_import.matching import kind_of
from i2i_import.networks import FEWEST_HALVINGS, Network, patchgan, resnet, tensor_names, unet

PAPERS = {"upsample": "transposed", "bounded": True, "spectral": False}
"""Options that the other code has not: as the papers have it, and so has it."""

FLAGS = {
    "generator_back": "--back",
    "discriminator": "--discriminator",
    "discriminator_back": "--discriminator-back",
}
"""Part -> where its file is named."""


def export_checkpoint(
    model: Path,
    checkpoint: Path,
    *,
    back: Path | None = None,
    discriminator: Path | None = None,
    discriminator_back: Path | None = None,
) -> Converted:
    """Write the networks of a model folder as checkpoints.

    Args:
        model: A model folder, a run's or a checkpoint's. Of a run, generators alone are those of its model, and with a
            discriminator all are those of its newest checkpoint: its model need not have the discriminator, and one
            from another step would not go with it.
        checkpoint: File for the generator, which must not be there yet.
        back: File for the generator of the way back, likewise.
        discriminator: File for the discriminator, likewise.
        discriminator_back: File for the discriminator of the way back, likewise.

    Raises:
        MissingInputError: If there is no model, or it lacks a network.
        DataError: If it is damaged.
        UsageError: If a file is there, or that code has no such network.
        OutputError: If a file cannot be written.
    """
    wanted = {
        "generator": checkpoint,
        "generator_back": back,
        "discriminator": discriminator,
        "discriminator_back": discriminator_back,
    }
    paths = {part: path for part, path in wanted.items() if path is not None}
    state = newest_state(model) if discriminator or discriminator_back else model
    folder = find_model(state)
    config = read_config(folder)
    wires = _wires(config)
    for part in paths:
        if not (config.holds(part) and part in config.selection.parts and part in wires):
            away = f"Leave {FLAGS[part]} away" if part in FLAGS else "Without one, nothing can be written"
            raise MissingInputError(f"{folder} holds no {part}. {away}.")
    together = "Both" if len(paths) == 2 else "All"
    notes = [] if state == model else [f"{together} networks are those of step {config.step}: {state}."]
    networks = {part: _exportable(config, part, wires[part].arguments, notes) for part in paths}
    for path in paths.values():
        check_new(path)
    if len(set(paths.values())) < len(paths):
        twice = next(path for path in paths.values() if list(paths.values()).count(path) > 1)
        raise UsageError(f"{twice} cannot hold two networks. Give a file for each.")
    files = [(path, _converted(folder, config, part, networks[part])) for part, path in paths.items()]
    for path, data in files:  # only now, so that one that is damaged leaves nothing
        make_folder(path.parent)
        write_atomically(path, data)
    return Converted([str(network) for network in networks.values()], notes)


def _converted(folder: Path, config: ModelConfig, part: str, network: Network) -> bytes:
    """Return the file of a network: its tensors under the other code's names, in its order."""
    own = load_weights(folder, config, part)
    expected = shapes(network, own, str(folder))
    if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in expected.items()}:
        raise DataError(f"{folder / weights_file(part)} holds no {network}. Copy it again.")
    buffer = io.BytesIO()
    named = tensor_names(network.layers, own)
    torch.save(OrderedDict((theirs, own[ours]) for theirs, ours in named.items()), buffer)
    return buffer.getvalue()


def _exportable(config: ModelConfig, part: str, channels: tuple[int, ...], notes: list[str]) -> Network:
    """Describe a network of a model, as that code builds it."""
    name, options = _component(config, part)
    if kind_of(part) == "generator":
        return _generator(name, options, channels, notes)
    if name != "patchgan":
        raise UsageError(f"That code has no discriminator {name!r}. Leave {FLAGS[part]} away.")
    return patchgan(options["layers"], options["base_channels"], options["norm"], *channels)


def _wires(config: ModelConfig) -> Mapping[str, Wire]:
    """Return what the recipe builds each part with."""
    recipe, chosen = recipe_of(config), config.selection.recipe
    return recipe.wiring(config.data, complete(recipe, chosen.options, f"recipe {chosen.name!r}"))


def _generator(name: str, options: dict[str, Any], channels: tuple[int, ...], notes: list[str]) -> Network:
    if name not in ("resnet", "unet"):
        raise UsageError(f"That code has no generator {name!r}, only U-Nets and ResNets. Keep the model folder.")
    dropout = options["dropout"] > 0
    shape = (int(options["base_channels"]), str(options["norm"]), dropout, channels)
    if name == "unet" and options["depth"] < FEWEST_HALVINGS:
        depths = f"of depth {options['depth']}, only from {FEWEST_HALVINGS} on"
        raise UsageError(f"That code has no U-Net {depths}. Keep the model folder.")
    network = unet(options["depth"], *shape) if name == "unet" else resnet(options["blocks"], *shape)
    theirs = {option: value for option, value in network.options.items() if option.startswith("dropout")}
    if dropout and any(options[option] != value for option, value in theirs.items()):
        said = ", ".join(f"{option}={value}" for option, value in theirs.items())
        notes.append(f"That code has {said}, unlike the model: the same pictures come out with its --eval only.")
    return network


def _component(config: ModelConfig, part: str) -> tuple[str, dict[str, Any]]:
    """Return name and all options of a part.

    Raises:
        UnknownNameError: If it is not installed.
        UsageError: If the installed one refuses the options, or the other code has them not.
    """
    component, kind = config.selection.network(part), kind_of(part)
    cls = lookup(kind, component.name).cls
    options = complete(cls, component.options, f"{part} {component.name!r}")
    for option, value in PAPERS.items():
        if options.get(option, value) != value:
            raise UsageError(f"That code has no {kind} with {option}={options[option]}. Keep the model folder.")
    return component.name, options
