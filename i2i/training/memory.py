"""Says what to lower, and how to go on, when a run does not fit into memory."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import lcm

from i2i.assembly import build_parts
from i2i.choices import Component
from i2i.config import RunConfig
from i2i.errors import I2iError, ResourceError
from i2i.parameters import fields_asked, imagined
from i2i.plugins import lookup
from i2i.sections.data import crop_value
from i2i.selection import IMAGINED_SIZE, Selection
from i2i.system.devices import is_out_of_memory
from i2i.system.unfilled import unfilled
from i2i.training import checkpoint
from i2i.training.folder import RunFolder


@contextmanager
def within_memory(folder: RunFolder, config: RunConfig) -> Iterator[None]:
    """Say in one line what to lower, and how to go on, when memory does not suffice.

    Raises:
        ResourceError: If it does not.
    """
    try:
        yield
    except ResourceError as error:
        raise ResourceError(f"{error} {_last_checkpoint(folder)}") from error
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(
            f"Out of memory. A new run takes less with {smaller_settings(config)}. {_last_checkpoint(folder)}"
        ) from error


def _last_checkpoint(folder: RunFolder) -> str:
    if (saved := checkpoint.newest(folder.checkpoints)) is None:
        return "There is no checkpoint yet."
    return f"The last checkpoint is {saved}. Go on with: {folder.resuming}"


def smaller_settings(config: RunConfig) -> str:
    """Name the settings that take memory, each with the next smaller value that works, in words."""
    ways = []
    if crop := _smaller_crop(config):
        ways.append(crop)
    if (batch := config.training.batch_size) > 1:
        ways.append(f"training.batch_size={batch // 2} (now {batch})")
    for part, chosen in _networks(config.selection).items():
        width = chosen.options.get("base_channels")
        if isinstance(width, int) and width > 1:
            ways.append(f"{part}.base_channels={width // 2} (now {width})")
    return " or ".join(filter(None, [", ".join(ways[:-1]), *ways[-1:]])) or "smaller networks"


def _networks(selection: Selection) -> dict[str, Component]:
    """Return the parts that translate, which are the largest ones."""
    recipe = lookup("recipe", selection.recipe.name).cls
    asked = dict.fromkeys(name for made in recipe.translators.values() for name in inspect.signature(made).parameters)
    return {part: chosen for part in asked if isinstance(chosen := selection.parts.get(part), Component)}


def _smaller_crop(config: RunConfig) -> str:
    """Name half the crop, in a size that the networks take, or that they take when one is less deep."""
    (height, width), selection = config.data.size, config.selection
    said = ""
    while min(height, width) > 1:
        multiple = size_multiple(selection)
        half = (height // 2 // multiple * multiple, width // 2 // multiple * multiple)
        if all(half):
            return f"data.crop={crop_value(half)} (now {crop_value((height, width))}){said}"
        networks = _networks(selection)
        deep = {part: c for part, c in networks.items() if isinstance(c.options.get("depth"), int)}
        part, chosen = next(iter(deep.items()), ("", None))
        if chosen is None or chosen.options["depth"] < 2:
            break
        depth = chosen.options["depth"] - 1
        said = f" with {part}.depth={depth}"
        flatter = Component(name=chosen.name, **{**chosen.options, "depth": depth})
        selection = selection.model_copy(update={"parts": {**selection.parts, part: flatter}})
    return ""


def size_multiple(selection: Selection) -> int:
    """Return what sizes must be divisible by for all networks, which are built without memory."""
    recipe = lookup("recipe", selection.recipe.name).cls
    with suppress(I2iError), unfilled("the recipe"):
        parts = build_parts(recipe, selection, imagined(fields_asked(recipe.step), IMAGINED_SIZE))
        return lcm(*(int(getattr(part, "size_multiple", 1)) for part in parts.values()))
    return 1
