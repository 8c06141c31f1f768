"""Says which smaller settings would fit, and how to go on, when a run does not fit into memory."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from math import lcm
from typing import Any, NamedTuple

import torch

from i2i.assembly import build_parts
from i2i.choices import Component
from i2i.config import RunConfig
from i2i.errors import I2iError, ResourceError
from i2i.parameters import fields_asked, imagined
from i2i.plugins import lookup
from i2i.sections.data import crop_value
from i2i.selection import IMAGINED_SIZE, Selection
from i2i.system.devices import amount, free_memory, is_out_of_memory, own_memory, resolve_device
from i2i.system.unfilled import unfilled
from i2i.training import checkpoint
from i2i.training.folder import RunFolder
from i2i.training.rehearsal import MISFITS
from i2i.training.workload import Workload, workload_of

KEPT_A_PARAMETER = 16
"""A float32 weight, its gradient, and Adam's two moments."""
SMALLER = 3
"""How often each setting is halved in search of one that fits."""
SHARE = 0.9
"""What has to suffice, of what is there and of what did not: others take a part of it, and not all is counted."""


@contextmanager
def within_memory(folder: RunFolder, config: RunConfig) -> Iterator[None]:
    """Say in one line what would fit, and how to go on, when memory does not suffice.

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
        raise ResourceError(f"Out of memory. {smaller_settings(config)} {_last_checkpoint(folder)}") from error


def _last_checkpoint(folder: RunFolder) -> str:
    if (saved := checkpoint.newest(folder.checkpoints)) is None:
        return "There is no checkpoint yet."
    return f"The last checkpoint is {saved}. Go on with: {folder.resuming}"


class _Run(NamedTuple):
    """What decides how much memory a run takes."""

    selection: Selection
    size: tuple[int, int]
    batch_size: int
    recompute: bool

    def bytes(self) -> int:
        """Return how many a step takes, of images of one channel."""
        recipe = lookup("recipe", self.selection.recipe.name).cls
        fields = imagined(fields_asked(recipe.step), self.size)
        return needed(workload_of(self.selection, fields, self.batch_size, recompute=self.recompute))


def needed(work: Workload) -> int:
    """Return how many bytes of memory a step takes, with all that is kept from one step to the next."""
    return KEPT_A_PARAMETER * work.parameters + work.results


def smaller_settings(config: RunConfig, limit: int | None = None) -> str:
    """Name up to three settings with which a step would fit, by what it needs with each; each would do alone.

    Args:
        config: What did not fit.
        limit: Bytes that are there; what this process has and what is free, when not given.
    """
    run = _Run(config.selection, config.data.size, config.training.batch_size, config.training.recompute)
    now, ways = _bytes_of(run), []
    if now is None:
        return "Begin a run with smaller networks, a smaller data.crop, or training.recompute=true."
    limit = limit or _there(config.training.device) or now
    for lever in (_recomputed, _fewer, _smaller, _narrower):
        for words, smaller in lever(run):
            takes = _bytes_of(smaller)
            if takes is not None and takes <= SHARE * min(limit, now):
                ways.append(f"{words}{amount(takes)})")
                break
    said = " or ".join(filter(None, [", ".join(ways[:3][:-1]), *ways[:3][-1:]]))
    step = f"A step takes about {amount(now)}."
    return f"{step} A new run would fit with {said}." if ways else f"{step} Begin a run with smaller networks."


def _bytes_of(run: _Run) -> int | None:
    """Return how many bytes a run takes; None where that cannot be counted."""
    try:
        return run.bytes()
    except (I2iError, *MISFITS):
        return None


def _there(device: str) -> int | None:
    """Return how many bytes of a device this process has or may still take; None where it does not say."""
    at = resolve_device(device)
    if (free := free_memory(at)) is None:
        return None
    if at.type == "cuda":
        return free + int(torch.cuda.memory_reserved(at))
    return free + (own_memory() if at.type == "cpu" else 0)


def _recomputed(run: _Run) -> Iterator[tuple[str, _Run]]:
    """Yield the same with blocks that compute again."""
    if not run.recompute:
        yield "training.recompute=true (slower; ", run._replace(recompute=True)


def _fewer(run: _Run) -> Iterator[tuple[str, _Run]]:
    """Yield the same with smaller batches."""
    for count in (run.batch_size // 2**halved for halved in range(1, SMALLER + 1)):
        if count:
            yield f"training.batch_size={count} (now {run.batch_size}; ", run._replace(batch_size=count)


def _narrower(run: _Run) -> Iterator[tuple[str, _Run]]:
    """Yield the same with narrower networks that translate, which are the largest ones."""
    recipe = lookup("recipe", run.selection.recipe.name).cls
    asked = dict.fromkeys(name for made in recipe.translators.values() for name in inspect.signature(made).parameters)
    widths: dict[str, int] = {}
    for part in asked:
        chosen = run.selection.parts.get(part)
        if isinstance(chosen, Component) and isinstance(width := chosen.options.get("base_channels"), int):
            widths[part] = width
    for divisor in (2**halved for halved in range(1, SMALLER + 1)):
        if widths and min(widths.values()) >= divisor:
            words = " with ".join(f"{part}.base_channels={width // divisor}" for part, width in widths.items())
            changed = {part: {"base_channels": width // divisor} for part, width in widths.items()}
            yield f"{words} (now {max(widths.values())}; ", run._replace(selection=_with(run.selection, changed))


def _smaller(run: _Run) -> Iterator[tuple[str, _Run]]:
    """Yield the same on smaller images, of a size that the networks take, or that they take when one is less deep."""
    (height, width), selection = run.size, run.selection
    said = ""
    for divisor in (2**halved for halved in range(1, SMALLER + 1)):
        while True:
            multiple = size_multiple(selection)
            size = (height // divisor // multiple * multiple, width // divisor // multiple * multiple)
            if all(size):
                break
            part, depth = _deepest(selection)
            if depth < 2:
                return
            said = f" with {part}.depth={depth - 1}"
            selection = _with(selection, {part: {"depth": depth - 1}})
        words = f"data.crop={crop_value(size)}{said} (now {crop_value(run.size)}; "
        yield words, run._replace(selection=selection, size=size)


def _deepest(selection: Selection) -> tuple[str, int]:
    """Return the part whose depth decides what sizes are taken, and that depth; 0 where there is none."""
    chosen = {part: each for part, each in selection.parts.items() if isinstance(each, Component)}
    depths = {part: each.options.get("depth") for part, each in chosen.items()}
    return next(((part, depth) for part, depth in depths.items() if isinstance(depth, int)), ("", 0))


def _with(selection: Selection, options: Mapping[str, Mapping[str, Any]]) -> Selection:
    """Return a selection with some options of some parts changed."""
    changed = {}
    for part, values in options.items():
        chosen = selection.parts[part]
        assert isinstance(chosen, Component)
        changed[part] = Component(name=chosen.name, **{**chosen.options, **values})
    return selection.model_copy(update={"parts": {**selection.parts, **changed}})


def size_multiple(selection: Selection) -> int:
    """Return what sizes must be divisible by for all networks, which are built without memory."""
    recipe = lookup("recipe", selection.recipe.name).cls
    with suppress(I2iError), unfilled("the recipe"):
        parts = build_parts(recipe, selection, imagined(fields_asked(recipe.step), IMAGINED_SIZE))
        return lcm(*(int(getattr(part, "size_multiple", 1)) for part in parts.values()))
    return 1
