"""Everything that a training step depends on, as tensors and JSON, and back."""

import random
from collections.abc import Container
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.contracts import Recipe
from i2i.errors import DataError
from i2i.training.updates import Updater


def recipe_state(recipe: Recipe) -> dict[str, Tensor]:
    """Parameters and buffers of all parts.

    Raises:
        DataError: If a part keeps something else than tensors in its state: it could not be saved safely.
    """
    state = recipe.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise DataError(f"{name!r} in the state of {type(recipe).__name__} is no tensor. Register it as a buffer.")
    return dict(state)


def by_part(recipe: Recipe, parts: Container[str]) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
    """The state of each part that has any, by the part's own names; and what is the recipe's own."""
    weights: dict[str, dict[str, Tensor]] = {}
    own: dict[str, Tensor] = {}
    for name, tensor in recipe_state(recipe).items():
        part, _, rest = name.partition(".")
        if part in parts:
            weights.setdefault(part, {})[rest] = tensor
        else:
            own[name] = tensor
    return weights, own


def restore_recipe(recipe: Recipe, weights: dict[str, dict[str, Tensor]], own: dict[str, Tensor]) -> None:
    """Put back what `by_part` gave."""
    named = {f"{part}.{name}": tensor for part, tensors in weights.items() for name, tensor in tensors.items()}
    recipe.load_state_dict(named | own, strict=True)


def optimizer_state(updater: Updater) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Moments as tensors named ``network.parameter.moment``; parameter groups as JSON."""
    tensors: dict[str, Tensor] = {}
    groups: dict[str, Any] = {}
    for network, optimizer in updater.optimizers.items():
        state = optimizer.state_dict()
        groups[network] = state["param_groups"]
        for parameter, moments in state["state"].items():
            tensors |= {f"{network}.{parameter}.{moment}": value for moment, value in moments.items()}
    return tensors, groups


def restore_optimizers(updater: Updater, tensors: dict[str, Tensor], groups: dict[str, Any]) -> None:
    """Put back what `optimizer_state` gave."""
    for network, optimizer in updater.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            owner, parameter, moment = name.rsplit(".", 2)
            if owner == network:
                state.setdefault(int(parameter), {})[moment] = value
        optimizer.load_state_dict({"state": state, "param_groups": groups[network]})


def rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Global generators of torch (tensors), Python and numpy (JSON)."""
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda-{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    version, words, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    numpy["state"] = {"key": numpy["state"]["key"].tolist(), "pos": int(numpy["state"]["pos"])}
    return tensors, {"python": [version, list(words), gauss], "numpy": numpy}


def restore_rng(tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Put back what `rng_state` gave. Do it last: building models, optimizers and loaders draws numbers."""
    torch.set_rng_state(tensors["cpu"])
    if torch.cuda.is_available():
        saved = [tensors[name] for name in sorted(tensors) if name.startswith("cuda-")]
        torch.cuda.set_rng_state_all(saved[: torch.cuda.device_count()])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(state["numpy"])


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, Python and numpy."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
