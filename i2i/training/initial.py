"""Begins with a model: a run takes over its settings and its weights."""

import os
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.contracts import Recipe
from i2i.errors import UsageError
from i2i.fields import Fields
from i2i.selection import Selection
from i2i.training import checkpoint
from i2i.training.folder import RunFolder
from i2i.training.module_state import Kept, load
from i2i.training.setup import Setup
from i2i.translation.model import ModelConfig, find_model, load_weights, read_config
from i2i.translation.parts import misfit, recipe_of, unfilled_parts


def newest_state(path: str | PathLike[str]) -> str | PathLike[str]:
    """Return where everything that a run has learned is: its newest checkpoint, which has all networks.

    Args:
        path: A run folder, or the folder of its checkpoints.

    Returns:
        The checkpoint's folder, which `i2i.translation.model.find_model` takes; or ``path`` where there is none.
    """
    folder = Path(path)
    return checkpoint.newest(RunFolder(folder).checkpoints) or checkpoint.newest(folder) or path


def initial_settings(model: str | PathLike[str]) -> dict[str, Any]:
    """Return what a run takes over from the model that it begins with, as a layer for `config.resolve`.

    These are recipe and parts with their options, direction, size and inference mode; and of course the weights.

    Args:
        model: A run folder, or whatever `i2i.translation.model.find_model` takes; see `newest_state`.

    Raises:
        I2iError: If there is no model, or it cannot be fetched.
        DataError: If its configuration is damaged.
        UsageError: If a newer i2i made it.
    """
    folder = find_model(newest_state(model))
    config = read_config(folder)
    unfilled_parts(folder, config)  # a model of who knows whom: the run would build whatever it asks for
    chosen = config.selection.model_dump(mode="json")
    settings: dict[str, Any] = {**chosen["parts"], "recipe": chosen["recipe"]}
    settings["data"] = {"crop": config.size[0] if config.size[0] == config.size[1] else list(config.size)}
    settings["inference"] = {"mode": config.mode}
    settings["training"] = {"init": fspath(model)}
    if config.direction:
        dataset = recipe_of(config).settings.get("dataset", {}).get("name", "pairs")
        settings["dataset"] = {"name": dataset, "direction": config.direction}
    return settings


def with_found_model(config: RunConfig) -> RunConfig:
    """Return the configuration with the folder of the model that the run begins with.

    Of a run it is that of its newest checkpoint, and of a name on a hub the one that was fetched, so that a run that is
    resumed has the same model, and needs no network for it.
    """
    if config.training.init is None:
        return config
    init = newest_state(config.training.init)
    return config.change(training={"init": os.path.abspath(init if os.path.exists(init) else find_model(init))})


def begin(setup: Setup) -> str:
    """Load the weights that a run begins with; returns which and from where, in words, and none where all are drawn.

    Raises:
        I2iError: As `load_initial`.
    """
    loaded = load_initial(setup)
    setup.updater.averages.begin()
    if not loaded:
        return ""
    drawn = [name for name in setup.updater.networks if name not in loaded]
    return f"{', '.join(loaded)} of {setup.config.training.init}" + (f"; {', '.join(drawn)} drawn" if drawn else "")


def load_initial(setup: Setup) -> list[str]:
    """Load the weights that a run begins with: of every network that the model has.

    What a part without weights keeps, such as a pool of images, was gathered by the run before, and stays with it.

    Returns:
        The parts that were loaded; none where the run begins with drawn weights.

    Raises:
        MissingInputError: If there is no model.
        DataError: If it is damaged.
        UsageError: If its weights do not fit the run's networks.
    """
    config = setup.config
    if config.training.init is None:
        return []
    folder = find_model(newest_state(config.training.init))
    saved = read_config(folder)
    _check_fields(folder, saved, setup.fields)
    parts = [part for part in config.selection.parts if saved.holds(part) and _has_weights(setup.recipe, part)]
    for part in parts:
        weights = load_weights(folder, saved, part)
        try:
            load(setup.recipe.get_submodule(part), Kept(weights, {}))
        except RuntimeError as error:
            reason = _differences(config.selection, saved.selection, part) or str(error)
            raise UsageError(
                f"training.init: {misfit(folder, config.selection, part, reason)}. "
                "Leave those away: the model brings its own."
            ) from None
    return parts


def _has_weights(recipe: Recipe, part: str) -> bool:
    return any(True for _ in recipe.get_submodule(part).parameters())


def _check_fields(folder: Path, saved: ModelConfig, fields: Fields) -> None:
    """Refuse data that a model's networks cannot be for."""
    names = [name for name in saved.fields if name in fields]
    theirs, ours = ([each[name].channels for name in names] for each in (saved.fields, fields))
    if theirs != ours:
        of, model, data = (" and ".join(map(str, each)) for each in (names, theirs, ours))
        raise UsageError(
            f"training.init: the channels of {of} are {model} for the model in {folder}, {data} in the data. Choose "
            "other columns or a direction, set dataset.source_channels and dataset.target_channels, or begin without "
            "the model."
        )


def _differences(ours: Selection, theirs: Selection, part: str) -> str:
    """Say what of a part is otherwise in the model; nothing if all is the same."""
    mine, other = ours.network(part), theirs.network(part)
    if mine.name != other.name:
        return f"the model's {part} is {other.name!r}"
    return ", ".join(
        f"{option} is {value}, the model has {other.options[option]}"
        for option, value in mine.options.items()
        if option in other.options and other.options[option] != value
    )
