"""The parts of a model that translate: which they are, built without memory, compared with their files, and filled."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from torch import nn

from i2i.assembly import build_parts
from i2i.choices import Component
from i2i.contracts import Recipe
from i2i.errors import DataError, UnknownNameError, UsageError, suggest
from i2i.options import complete
from i2i.parameters import parts_asked
from i2i.plugins import lookup
from i2i.selection import Selection
from i2i.serving import contracts_of, part_kinds
from i2i.system.faults import naming_plugins
from i2i.system.unfilled import unfilled
from i2i.translation.model import CONFIG, ModelConfig, load_weights, read_config, weights_file
from i2i.translation.weights import difference, fill, read_table

_log = logging.getLogger(__name__)

MAX_REASON = 200
"""Characters of what torch says about weights that do not fit."""


def load_model(folder: Path, to: str | None = None) -> tuple[ModelConfig, dict[str, Any]]:
    """Load the configuration and the parts that translate, frozen, on the CPU.

    Args:
        folder: The model folder.
        to: Load what makes this field alone; see `field_made`.

    Returns:
        The configuration, and all parts of the recipe by name: None for those that are not needed.

    Raises:
        DataError: If a file is missing or damaged, or weights do not fit their network.
        UnknownNameError: If a plugin that the model needs is not installed; the message says what to install.
        UsageError: If another i2i made the model, it makes no such field, or a component refuses its options.
    """
    config = read_config(folder)
    parts = unfilled_parts(folder, config, to)
    for part, network in parts.items():
        if isinstance(network, nn.Module):
            if network.state_dict():
                fill(network, load_weights(folder, config, part), _owner(config, part))
            network.eval().requires_grad_(False)
    return config, parts


@naming_plugins()
def unfilled_parts(folder: Path, config: ModelConfig, to: str | None = None) -> dict[str, Any]:
    """Build the parts of a model that translate, without values, if their files of weights are of such networks.

    Returns:
        All parts of the recipe by name: None for those that are not needed.

    Raises:
        I2iError: As `load_model`.
    """
    recipe = recipe_of(config)
    # complete, since the installed recipe may have options that are younger than the model
    options = complete(recipe, config.selection.recipe.options, _owner(config, "recipe"))
    chosen = Component(name=config.selection.recipe.name, **options)
    selection = config.selection.model_copy(update={"recipe": chosen})
    made = recipe.translators if to is None else [field_made(config, to)]
    names = translating(recipe, selection, made)
    _check_installed(config, recipe, names)
    tables = {part: read_table(folder / weights_file(part)) for part in names if config.holds(part)}
    shapes = [spec.shape for table in tables.values() for spec in table.values()]
    said = " and ".join(_owner(config, part) for part in names)
    with unfilled(f"{folder / CONFIG}: {said}", shapes):
        parts = build_parts(recipe, selection, config.data, only=names)
    for part in names:
        if isinstance(parts[part], nn.Module) and (reason := difference(parts[part], tables.get(part, {}))):
            raise DataError(f"{misfit(folder, config.selection, part, reason)}. Copy the model folder again.")
    return {part: built if part in names else None for part, built in parts.items()}


def translating(recipe: type[Recipe], selection: Selection, made: Iterable[str] | None = None) -> list[str]:
    """Return the parts that a model consists of: those that translators name.

    Args:
        recipe: The method.
        selection: Which parts its options need.
        made: The fields that are to be made; all that the recipe makes when not given.
    """
    functions = [recipe.translators[field] for field in (recipe.translators if made is None else made)]
    named = dict.fromkeys(part for function in functions for part in parts_asked(function, contracts_of(recipe)))
    return [part for part in named if part in selection.parts]


def field_made(config: ModelConfig, to: str | None = None) -> str:
    """Return the field that a model is to make.

    Args:
        config: What the model is.
        to: Its name; ``A`` and ``B`` are source and target, by the direction of the training. When not given, the
            target, or the one that there is.

    Raises:
        UsageError: If it makes no such field, or several, none of which is called ``target``.
    """
    made = list(recipe_of(config).translators)
    if to in ("A", "B") and to not in config.fields:
        to = "source" if (to == "A") == (config.direction != "BtoA") else "target"
    if to is None and len(made) > 1 and "target" not in made:
        raise UsageError(f"The model makes {' and '.join(made)}. Say which, such as --to {made[0]}.")
    to = to or ("target" if "target" in made else made[0])
    if to not in made:
        raise UsageError(f"The model makes no {to!r}.{suggest(to, made)} It makes {' and '.join(made)}.")
    return to


def recipe_of(config: ModelConfig) -> type[Recipe]:
    """Return the class of a model's recipe.

    Raises:
        UnknownNameError: If it is not installed; the message says what to install.
        DataError: If the configuration does not say where it comes from.
    """
    recipe: type[Recipe] = _installed(config, "recipe", "recipe", config.selection.recipe.name)
    return recipe


def _check_installed(config: ModelConfig, recipe: type[Recipe], parts: Collection[str]) -> None:
    """Say what to install where a component of these parts is not."""
    kinds = part_kinds(recipe)
    for where, part, component in config.selection.components():
        if part in parts:
            _installed(config, kinds[part], where, component.name)


def _installed(config: ModelConfig, kind: str, where: str, name: str) -> Any:
    """Return the class of a component; ``where`` is its place in the selection, and in ``providers``."""
    if where not in config.providers:
        raise DataError(f"{CONFIG} says nothing of the {where}. Copy the model folder again.")
    origin = config.providers[where]
    try:
        found = lookup(kind, name)
    except UnknownNameError as error:
        raise UnknownNameError(
            f"{error} The model was made with {origin.distribution} {origin.version}: {origin.remedy}"
        ) from None
    if found.sha256 and origin.sha256 not in ("", found.sha256):
        made, now = f"{origin.distribution} {origin.version}", f"{found.distribution} {found.version}"
        _log.warning("%s %r: the model was made with %s, and %s may do something else.", where, name, made, now)
    return found.cls


def _owner(config: ModelConfig, part: str) -> str:
    chosen = config.selection.recipe if part == "recipe" else config.selection.parts[part]
    return f"{part} {chosen.name!r}" if isinstance(chosen, Component) else part


def misfit(folder: Path, selection: Selection, part: str, reason: str) -> str:
    """Say which weights do not fit which network, and why; of the reasons that ``load_state_dict`` gives, the last."""
    reason = reason.strip().splitlines()[-1].strip().rstrip(". ")
    name = getattr(selection.parts[part], "name", part)
    return f"{folder / weights_file(part)} does not fit {part} {name!r} with its options: {_cut(reason)}"


def _cut(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} ..."  # torch names every key
