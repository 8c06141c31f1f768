"""Begins a run with the weights of a model instead of drawn ones."""

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.contracts import Recipe
from i2i.errors import UsageError
from i2i.training import checkpoint
from i2i.training.folder import RunFolder
from i2i.translation.model import find_model, load_weights, misfit, read_config


def newest_state(path: str | PathLike[str]) -> str | PathLike[str]:
    """Where everything that a run has learned is: its newest checkpoint, which has all networks, not the best model.

    Args:
        path: A run folder, or the folder of its checkpoints.

    Returns:
        The checkpoint's folder, which `i2i.translation.model.find_model` takes; or ``path`` where there is none.
    """
    folder = Path(path)
    return checkpoint.newest(RunFolder(folder).checkpoints) or checkpoint.newest(folder) or path


def initial_settings(model: str | PathLike[str]) -> dict[str, Any]:
    """What a run that begins with a model takes over from it unless told otherwise, as a layer for `config.resolve`.

    These are recipe and parts with their options, direction, size and inference mode; and of course the weights.

    Args:
        model: A run folder, or whatever `i2i.translation.model.find_model` takes; see `newest_state`.

    Raises:
        I2iError: If there is no model, or it cannot be fetched.
        DataError: If its configuration is damaged.
        UsageError: If a newer i2i made it.
    """
    config = read_config(find_model(newest_state(model)))
    settings: dict[str, Any] = {part: component.model_dump() for part, component in config.selection.parts.items()}
    settings["recipe"] = config.selection.recipe.model_dump()
    settings["data"] = {"crop": config.size}
    settings["inference"] = {"mode": config.mode}
    settings["training"] = {"init": fspath(model)}
    if config.direction:
        settings["dataset"] = {"name": "pairs", "direction": config.direction}
    return settings


def load_initial(recipe: Recipe, config: RunConfig, channels: tuple[int, int]) -> list[str]:
    """Load the weights that a run begins with: of the generator, and of every other part that the model has.

    Args:
        recipe: The run's networks.
        config: What the run does.
        channels: Of its sources and of its targets.

    Returns:
        The parts that were loaded; none where the run begins with drawn weights.

    Raises:
        MissingInputError: If there is no model.
        DataError: If it is damaged.
        UsageError: If its weights do not fit the run's networks.
    """
    if config.training.init is None:
        return []
    folder = find_model(newest_state(config.training.init))
    saved = read_config(folder)
    if (of_model := (saved.source.channels, saved.target.channels)) != channels:
        raise UsageError(
            f"training.init: the model in {folder} has {of_model[0]} channels of sources and {of_model[1]} of targets, "
            f"the data has {channels[0]} and {channels[1]}. Choose other columns or a direction, set "
            "dataset.source_channels and dataset.target_channels, or begin without the model."
        )
    parts = [part for part in config.selection.parts if saved.holds(part)]
    for part in parts:
        weights = load_weights(folder, saved, part)
        try:
            recipe.get_submodule(part).load_state_dict(weights, strict=True)
        except RuntimeError as error:
            raise UsageError(
                f"training.init: {misfit(folder, config.selection, part, error)}. "
                "Leave those away: the model brings its own."
            ) from None
    return parts
