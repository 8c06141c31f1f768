"""Begins a run with the weights of a model instead of drawn ones."""

from pathlib import Path
from typing import Any

from i2i.config import RunConfig
from i2i.contracts import Recipe
from i2i.errors import UsageError
from i2i.translation.model import find_model, load_weights, read_config, weights_file


def initial_settings(model: Path) -> dict[str, Any]:
    """What a run that begins with a model takes over from it unless told otherwise, as a layer for `config.resolve`.

    These are recipe and parts with their options, direction, size and inference mode; and of course the weights.

    Args:
        model: A model folder, or a run's.

    Raises:
        MissingInputError: If there is no model.
        DataError: If its configuration is damaged.
        UsageError: If a newer i2i made it.
    """
    config = read_config(find_model(model))
    settings: dict[str, Any] = {part: component.model_dump() for part, component in config.selection.parts.items()}
    settings["recipe"] = config.selection.recipe.model_dump()
    settings["data"] = {"crop": config.size}
    settings["inference"] = {"mode": config.mode}
    settings["training"] = {"init": str(model)}
    if config.direction:
        settings["dataset"] = {"name": "pairs", "direction": config.direction}
    return settings


def load_initial(recipe: Recipe, config: RunConfig) -> list[str]:
    """Load the weights that a run begins with: of the generator, and of every other part that the model has.

    Returns:
        The parts that were loaded; none where the run begins with drawn weights.

    Raises:
        MissingInputError: If there is no model.
        DataError: If it is damaged.
        UsageError: If its weights do not fit the run's networks.
    """
    if config.training.init is None:
        return []
    folder = find_model(config.training.init)
    saved = read_config(folder)
    parts = [part for part in config.selection.parts if saved.holds(part)]
    for part in parts:
        weights = load_weights(folder, saved, part)
        try:
            recipe.get_submodule(part).load_state_dict(weights, strict=True)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            name = config.selection.parts[part].name
            raise UsageError(
                f"training.init: {folder / weights_file(part)} does not fit {part} {name!r} with these options and "
                f"channels: {reason.rstrip('.')}. Leave those options away: the model brings its own."
            ) from None
    return parts
