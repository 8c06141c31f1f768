"""Rehearses a step before training, on torch's ``meta`` device: shapes without values, memory or time."""

import random
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from i2i.contracts import CONTRACTS, Clock, Recipe
from i2i.errors import I2iError, UsageError
from i2i.fields import Field, Fields
from i2i.parameters import asks_clock, given_to
from i2i.plugins import catalogue, describe
from i2i.selection import Selection
from i2i.system.faults import place
from i2i.training.updates import Updater
from i2i.uncompiled import uncompiled

MISFITS = (RuntimeError, ValueError, UserWarning)
"""What torch and components raise where shapes do not go together."""
BROADCAST = "Using a target size"
"""How torch begins to warn of a loss whose two sides have different shapes."""


def rehearse(updater: Updater, selection: Selection, fields: Fields, batch_size: int, steps: int) -> bool:
    """Go through the first step with a copy that has no values; where a step asks for the time, through others too.

    What depends on values cannot be rehearsed, and is passed over.

    Args:
        updater: With the recipe; nothing of it changes, and no random number is drawn.
        selection: What the recipe is made of, for errors.
        fields: What the data has.
        batch_size: Items in a batch.
        steps: Steps of the run.

    Returns:
        Whether all of it could be rehearsed.

    Raises:
        ContractError: If the recipe yields an update that cannot be.
        UsageError: If the parts do not go together at this size; the message says where.
    """
    times = {0, steps // 2, steps - 1} if asks_clock(updater.recipe.step) else {0}
    clocks = [Clock(step, steps, 0) for step in sorted(times)]
    with undrawn(), uncompiled(), warnings.catch_warnings():
        warnings.filterwarnings("error", BROADCAST)
        try:
            _go_through(updater, fields, batch_size, clocks)
        except I2iError:
            raise
        except Exception as error:
            if _needs_values(error):
                return False
            if not isinstance(error, MISFITS):
                raise  # whoever it comes from is named as in training
            raise _misfit(error, updater.recipe, selection, fields) from error
    return True


def _needs_values(error: Exception) -> bool:
    """Tell what cannot be rehearsed from what would fail in training.

    Torch names the device ``meta`` where a value is asked of a tensor that has none, and where one meets a tensor that
    a part keeps for itself, neither as a parameter nor as a buffer.
    """
    return isinstance(error, NotImplementedError) or bool(re.search(r"\bmeta\b", str(error), re.IGNORECASE))


@contextmanager
def undrawn() -> Iterator[None]:
    """Put the global generators of torch, Python and numpy back afterwards."""
    python, of_numpy = random.getstate(), np.random.get_state(legacy=False)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(of_numpy)


def _go_through(updater: Updater, fields: Fields, batch_size: int, clocks: Iterable[Clock]) -> None:
    with torch.device("meta"), KeptShapes():
        recipe = without_values(updater.recipe)
        batch = imagined_batch(fields, batch_size)
        for clock in clocks:
            for update in recipe.step(**given_to(recipe.step, batch, fields, clock)):
                updater.check(update)
                trained = [p for name in update.names for p in recipe.get_submodule(name).parameters()]
                parameters = [p for p in trained if p.requires_grad]
                if parameters:
                    torch.stack([*update.terms.values()]).sum().backward(inputs=parameters)


class KeptShapes(TorchFunctionMode):
    """Passes over functions that keep the shape, which torch finds out in Python: 10 ms each, in a deep network 5 s.

    Norms that cannot be computed are refused as torch refuses them.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in KEEPING_SHAPE or not args:
            return func(*args, **(kwargs or {}))
        image: Tensor = args[0]
        # what each of these norms takes a statistic of
        values = {functional.instance_norm: image.shape[2:], functional.batch_norm: (len(image), *image.shape[2:])}
        if func in values and torch.Size(values[func]).numel() == 1:
            raise ValueError(f"{func.__name__} needs more than one value per channel, got {tuple(image.shape)}")
        return image.view(image.shape)


KEEPING_SHAPE = {
    *(functional.batch_norm, functional.instance_norm, functional.dropout, functional.relu, functional.leaky_relu),
    *(functional.elu, functional.silu, functional.gelu, torch.relu, torch.tanh, torch.sigmoid),
    *(Tensor.relu, Tensor.tanh, Tensor.sigmoid),
}


def without_values(recipe: Recipe) -> Recipe:
    """Copy a recipe, but none of the memory of its tensors."""
    empty: dict[int, Any] = {}
    for parameter in recipe.parameters():
        without = torch.empty_like(parameter, device="meta")
        empty[id(parameter)] = nn.Parameter(without, requires_grad=parameter.requires_grad)
    for buffer in recipe.buffers():
        empty[id(buffer)] = torch.empty_like(buffer, device="meta")
    return deepcopy(recipe, empty)


def imagined_batch(fields: Fields, count: int) -> dict[str, Tensor]:
    """Return a batch of so many items that has shapes and no values, on the default device."""
    return {name: _imagined(field, fields.size, count) for name, field in fields.items()}


def _imagined(field: Field, size: tuple[int, int], count: int) -> Tensor:
    if field.kind == "ids":
        return torch.zeros(count, *size, dtype=torch.long)
    return torch.zeros(count, field.channels, *(size if field.kind == "image" else ()))


def _misfit(error: Exception, recipe: Recipe, selection: Selection, fields: Fields) -> UsageError:
    """Say which parts do not go together, and where that came out."""
    kinds = dict.fromkeys(CONTRACTS.values())
    modules = {provided.cls.__module__ for kind in ("recipe", *kinds) for provided in catalogue(kind).values()}
    _, where = place(error, modules)
    parts = ", ".join(f"{at} {component.name!r}" for at, _, component in selection.components())
    height, width = fields.size
    return UsageError(
        f"recipe {selection.recipe.name!r} cannot make a step of {width}x{height} pixels with {parts}: "
        f"{describe(error)}{where}."
    )
