"""Everything that a training step depends on, into a checkpoint and back."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.contracts import Recipe
from i2i.errors import DataError
from i2i.training.checkpoint import Checkpoint
from i2i.training.setup import Setup
from i2i.training.updates import Updater


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    """Steps that are done."""
    validated: int = 0
    """The last step that was validated after."""
    best: dict[str, Any] | None = None
    """Step and figures of the best model, where there was something to validate on."""
    log_bytes: int = 0
    """How much of the metrics log was written when it was last saved."""


def capture(setup: Setup, progress: Progress) -> Checkpoint:
    """Collect everything that `restore` needs.

    Raises:
        DataError: If a part keeps something else than tensors in its state.
    """
    weights, own = by_part(setup)
    moments, groups = _optimizer_state(setup.updater)
    rng, generators = _rng_state()
    state = {
        "step": progress.step,
        "total": setup.steps,
        "validated": progress.validated,
        "best": progress.best,
        "pairs": setup.fingerprint,
        "log_bytes": progress.log_bytes,
        "optimizers": groups,
        "rng": generators,
    }
    tensors = {"recipe": own, "optimizers": moments, "rng": rng}
    return Checkpoint(state, tensors, setup.model_config(progress.step), weights)


def restore(setup: Setup, saved: Checkpoint) -> Progress:
    """Restore networks, optimizers and global generators; returns how far the run has come."""
    state, tensors = saved.state, saved.tensors
    weights = {f"{part}.{name}": tensor for part, named in saved.weights.items() for name, tensor in named.items()}
    setup.recipe.load_state_dict(weights | tensors["recipe"], strict=True)
    _restore_optimizers(setup.updater, tensors["optimizers"], state["optimizers"])
    _restore_rng(tensors["rng"], state["rng"])  # last: whatever is built draws numbers
    return Progress(state["step"], state["validated"], state["best"], state["log_bytes"])


def recipe_state(recipe: Recipe) -> dict[str, Tensor]:
    """Return parameters and buffers of all parts.

    Raises:
        DataError: If a part keeps something else than tensors in its state: it could not be saved safely.
    """
    state = recipe.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise DataError(f"{name!r} in the state of {type(recipe).__name__} is no tensor. Register it as a buffer.")
    return dict(state)


def by_part(setup: Setup) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
    """Split the state into that of each part, by the part's own names, and what is the recipe's own.

    Raises:
        DataError: As `recipe_state`.
    """
    weights: dict[str, dict[str, Tensor]] = {}
    own: dict[str, Tensor] = {}
    for name, tensor in recipe_state(setup.recipe).items():
        part, _, rest = name.partition(".")
        if part in setup.config.selection.parts:
            weights.setdefault(part, {})[rest] = tensor
        else:
            own[name] = tensor
    return weights, own


def _optimizer_state(updater: Updater) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return moments as tensors named ``network.parameter.moment``, and parameter groups as JSON."""
    tensors: dict[str, Tensor] = {}
    groups: dict[str, Any] = {}
    for network, optimizer in updater.optimizers.items():
        state = optimizer.state_dict()
        groups[network] = state["param_groups"]
        for parameter, moments in state["state"].items():
            tensors |= {f"{network}.{parameter}.{moment}": value for moment, value in moments.items()}
    return tensors, groups


def _restore_optimizers(updater: Updater, tensors: dict[str, Tensor], groups: dict[str, Any]) -> None:
    for network, optimizer in updater.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            owner, parameter, moment = name.rsplit(".", 2)
            if owner == network:
                state.setdefault(int(parameter), {})[moment] = value
        optimizer.load_state_dict({"state": state, "param_groups": groups[network]})


def _rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the states of the global generators of torch (tensors), Python and numpy (JSON)."""
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda-{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    version, words, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    numpy["state"] = {"key": numpy["state"]["key"].tolist(), "pos": int(numpy["state"]["pos"])}
    return tensors, {"python": [version, list(words), gauss], "numpy": numpy}


def _restore_rng(tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["cpu"])
    if torch.cuda.is_available():
        saved = [tensors[name] for name in sorted(tensors) if name.startswith("cuda-")]
        torch.cuda.set_rng_state_all(saved[: torch.cuda.device_count()])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(state["numpy"])
