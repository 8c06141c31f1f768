"""Match networks that were read: which recipe they are the parts of, and whether they belong together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.errors import UsageError
from i2i.fields import Field
from i2i.selection import Selection, select
from i2i_import.networks import Network
from i2i_import.reading import CYCLEGAN

BACK = "_back"
"""What the parts of `cyclegan` that go the other way are called after their counterparts."""


def kind_of(part: str) -> str:
    """Return ``generator`` or ``discriminator``."""
    return part.removesuffix(BACK)


def check_files(files: Mapping[str, Path]) -> None:
    """Refuse files of which the model of a recipe cannot be made, before they are read.

    Raises:
        UsageError: If one is the discriminator of a generator that is not given, or is given for two parts.
    """
    if "discriminator_back" in files and "generator_back" not in files:
        raise UsageError(
            f"{files['discriminator_back']} judges what the generator of the way back makes, which is not given. "
            "Give it with --back, or leave --discriminator-back away."
        )
    resolved = [path.resolve() for path in files.values()]
    for path in files.values():
        if resolved.count(path.resolve()) > 1:
            raise UsageError(f"{path} is given for two networks. Give each its own file.")


def matched(networks: Mapping[str, Network], files: Mapping[str, Path]) -> tuple[Selection, dict[str, Field]]:
    """Return recipe, parts and fields of a model with these networks.

    Args:
        networks: By the part of the recipe.
        files: Where they are from, for messages.

    Raises:
        UsageError: If their channels do not agree.
    """
    source, target = networks["generator"].channels
    parts: dict[str, dict[str, Any]] = {part: {"name": n.component, **n.options} for part, n in networks.items()}
    if "generator_back" in networks:
        _check_cyclegan(networks, files)
        options = {} if source == target else {"identity_weight": 0}
        fields = {"source": Field(channels=source, group="source"), "target": Field(channels=target, group="target")}
        return select("cyclegan", options, parts), fields
    options = _conditional(networks, files) if "discriminator" in networks else {}
    return select("pix2pix", options, parts), {"source": Field(channels=source), "target": Field(channels=target)}


def _conditional(networks: Mapping[str, Network], files: Mapping[str, Path]) -> dict[str, Any]:
    """Say whether the discriminator of a pix2pix saw the source."""
    (seen,), (source, target) = networks["discriminator"].channels, networks["generator"].channels
    if seen not in (target, source + target):
        raise UsageError(
            f"{files['discriminator']} judges images of {seen} channels, but the generator maps {source} to {target}. "
            f"One that goes with it has {source + target}, or {target} without condition. Give its own."
        )
    return {"conditional": seen == source + target}


def _check_cyclegan(networks: Mapping[str, Network], files: Mapping[str, Path]) -> None:
    """Refuse networks that do not go there and back."""
    source, target = networks["generator"].channels
    if networks["generator_back"].channels != (target, source):
        taken, made = networks["generator_back"].channels
        raise UsageError(
            f"{files['generator_back']} maps {taken} channels to {made}, and {files['generator']} maps {source} to "
            f"{target}. One of the way back maps {target} to {source}. Give its own."
        )
    for part, channels in {"discriminator": target, "discriminator_back": source}.items():
        seen = networks[part].channels[0] if part in networks else channels
        if seen != channels:
            meant = " It is one of pix2pix, which sees the source too." if seen == source + target else ""
            raise UsageError(
                f"{files[part]} judges images of {seen} channels, and its generator makes {channels}.{meant} Of a "
                f"CycleGAN, give {CYCLEGAN[part]}; of pix2pix, leave --back away."
            )
