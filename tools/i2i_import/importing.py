"""Import checkpoints as model folders: the same bits under other names."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from i2i.assembly import Selection, select
from i2i.config import Mode
from i2i.data.sides import Side
from i2i.errors import UsageError
from i2i.translation.model import ModelConfig, origins, save_model
from i2i_import.fitting import fit
from i2i_import.networks import Network
from i2i_import.reading import find_checkpoint, read_checkpoint
from i2i_import.recognition import recognise_discriminator, recognise_generator

RECIPE = "pix2pix"
RESNET_SIZE = 256
"""What that code crops images to unless told otherwise."""

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
        source=Side(channels=source, dtype="uint8"),
        target=Side(channels=target, dtype="uint8"),
        size=size or _size(network),
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
