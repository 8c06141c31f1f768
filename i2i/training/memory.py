"""Says what to lower, and how to go on, when a run does not fit into memory."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from i2i.assembly import Component, Selection, build_part
from i2i.config import RunConfig, crop_value
from i2i.contracts import Generator
from i2i.errors import I2iError, ResourceError
from i2i.plugins import lookup
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
    width = config.selection.parts["generator"].options.get("base_channels")
    if isinstance(width, int) and width > 1:
        ways.append(f"generator.base_channels={width // 2} (now {width})")
    return " or ".join(filter(None, [", ".join(ways[:-1]), *ways[-1:]])) or "smaller networks"


def _smaller_crop(config: RunConfig) -> str:
    """Name half the crop, in a size that the generator takes, or that it takes when it is less deep."""
    height, width = config.data.size
    generator = config.selection.parts["generator"]
    said = ""
    while min(height, width) > 1:
        multiple = _size_multiple(config.selection, generator)
        half = (height // 2 // multiple * multiple, width // 2 // multiple * multiple)
        if all(half):
            return f"data.crop={crop_value(half)} (now {crop_value((height, width))}){said}"
        depth = generator.options.get("depth")
        if not isinstance(depth, int) or depth < 2:
            break
        generator = Component(name=generator.name, **{**generator.options, "depth": depth - 1})
        said = f" with generator.depth={depth - 1}"
    return ""


def _size_multiple(selection: Selection, generator: Component) -> int:
    """Return what sizes must be divisible by for a generator, which is built without memory."""
    changed = selection.model_copy(update={"parts": {**selection.parts, "generator": generator}})
    wiring = lookup("recipe", selection.recipe.name).cls.wiring(1, 1, selection.recipe.options)
    with suppress(I2iError), unfilled("generator"):
        return int(getattr(build_part("generator", Generator, changed, wiring), "size_multiple", 1))
    return 1
