"""One run's configuration: paper's settings < YAML file < ``--set`` < named flags; resolved once, saved whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from i2i import presets, safe_yaml
from i2i.choices import Component, Entry, entries_of, lay
from i2i.errors import MissingInputError, UsageError, suggest
from i2i.options import complete
from i2i.plugin_files import PluginFile, is_loaded
from i2i.plugins import lookup
from i2i.sections.data import Data
from i2i.sections.networks import Average, Optimizer
from i2i.sections.section import Section
from i2i.sections.training import Schedule, Training
from i2i.sections.validation import Validation

if TYPE_CHECKING:
    from i2i.fields import Fields
    from i2i.selection import Selection

Mode = Literal["paper", "deterministic", "running"]
"""How a generator runs when it translates.

``paper``: dropout on, statistics of the test batch (always one image here). ``deterministic``: dropout off, statistics
of each single image. ``running``: dropout off, running averages of the training.
"""


class Plugins(Section):
    """What the run needs besides packages."""

    files: tuple[PluginFile, ...] = ()
    """Plugins out of one file each, by path and checksum."""


class Inference(Section):
    """How the trained model translates unless told otherwise."""

    mode: Mode = "deterministic"


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run does."""

    selection: Selection
    said: Mapping[str, Sequence[Entry]] = field(compare=False)
    """What was said of parts, with the recipe's defaults: all that decides them, but for the data."""
    dataset: Component
    data: Data
    optimizer: Optimizer
    average: Average
    schedule: Schedule
    training: Training
    validation: Validation
    inference: Inference
    plugins: Plugins

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data, in the shape of its YAML file."""
        chosen = self.selection.model_dump(mode="json")
        engine = {name: getattr(self, name).model_dump(mode="json") for name in ENGINE}
        return {
            "recipe": chosen["recipe"],
            **chosen["parts"],
            "dataset": self.dataset.model_dump(mode="json"),
            **engine,
        }

    def to_yaml(self) -> str:
        """Return the configuration as the YAML text that `read_file` reads back."""
        return safe_yaml.dump(self.to_dict())

    def change(self, **sections: Mapping[str, Any]) -> RunConfig:
        """Return a copy with some values of some of the engine's sections changed.

        Raises:
            UsageError: If a value is wrong.
        """
        changed: dict[str, Any] = {}
        for name, values in sections.items():
            section = ENGINE[name]
            changed[name] = section.read(section.merge(getattr(self, name).model_dump(), values), name)
        return replace(self, **changed)

    def for_data(self, fields: Fields) -> RunConfig:
        """Return a copy with what the recipe decides for data of these fields.

        Raises:
            UsageError: If it is not what the recipe takes, or something else was said.
        """
        from i2i.selection import select

        recipe = self.selection.recipe
        return replace(self, selection=select(recipe.name, recipe.options, self.said, fields))

    def idle_parts(self) -> list[str]:
        """Return the parts of which something was said, and which the recipe leaves out."""
        defaults = lookup("recipe", self.selection.recipe.name).cls.defaults
        said = [part for part, entries in self.said.items() if list(entries) != entries_of(defaults[part])]
        return [part for part in said if part not in self.selection.parts]


ENGINE: dict[str, type[Section]] = {
    "data": Data,
    "optimizer": Optimizer,
    "average": Average,
    "schedule": Schedule,
    "training": Training,
    "validation": Validation,
    "inference": Inference,
    "plugins": Plugins,
}
"""The sections that the engine itself reads, by name."""

METRICS = {"image": ("l1", "psnr", "ssim"), "ids": ("segmentation",)}
"""What is measured unless told otherwise, by the kind of field that is made."""

CRITERIA = {"image": "l1", "ids": "segmentation/iou"}
"""The figure by which the best model is chosen unless told otherwise."""

ADVERSARIAL_CRITERION = "kid-lite0"
"""The same for images of a recipe with an adversarial loss: distances of pixels would choose its blurriest model."""


def read_file(path: Path) -> dict[str, Any]:
    """Load configuration values from a YAML file.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If it is not a safe YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingInputError(f"No configuration file {str(path)!r}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {str(path)!r}: {error}.") from None
    values = safe_yaml.load(text, str(path))
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no `section: values`. See `config.yaml` in any run folder.")
    return values


def merge(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge layers: later ones overrule earlier ones, option by option.

    A layer that names another component for a part drops the options of the one before: they belonged to it. Parts,
    which may be lists, become lists of components; see `i2i.choices.lay`.

    Raises:
        UsageError: If something is no section of options.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for section, values in layer.items():
            _check_section(section, values)
            before = merged.get(section)
            if section in (*ENGINE, "recipe", "dataset"):
                merged[section] = ENGINE.get(section, _Component).merge(before or {}, values)
            else:
                merged[section] = _laid(before, values, section)
    return merged


class _Component(Section):
    """A recipe or a dataset."""

    @classmethod
    def merge(cls, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Merge option by option; options of another component do not go over to the one that is named now."""
        name = values.get("name")
        return {**(before if name is None or before.get("name", name) == name else {}), **values}


def _laid(before: Any, values: Any, part: str) -> Any:
    """Lay what is said of a part over its default; as it is said where that is not known."""
    if before is None or (isinstance(before, Mapping) and "name" not in before):
        return {**(before or {}), **values} if isinstance(values, Mapping) else values
    return lay(entries_of(before), values, part)


def _check_section(section: Any, values: Any) -> None:
    if not isinstance(section, str):
        raise UsageError(f"{section!r} is not the name of a section.")
    if isinstance(values, str | list) and section not in (*ENGINE, "recipe", "dataset"):
        for each in [values] if isinstance(values, str) else values:
            _check_section(section, {"name": each} if isinstance(each, str) else each)
        return
    if not isinstance(values, Mapping):
        raise UsageError(f"{section!r} is {values!r}. It is a section: give {section}.OPTION instead.")
    for option in values:
        if not isinstance(option, str):
            raise UsageError(f"{section}: {option!r} is not the name of an option.")
    if not isinstance(values.get("name", ""), str):
        raise UsageError(f"{section}.name is {values['name']!r}. It is the name of a component.")


def resolve(layers: Sequence[Mapping[str, Any]], preset: str | None = None) -> RunConfig:
    """Resolve the complete configuration out of what was said, least important first.

    Args:
        layers: What was said.
        preset: Whose settings lie below them, by name; those of the paper when not given.

    Raises:
        UnknownNameError: If a recipe or component is not installed.
        UsageError: If a section, an option or a value is wrong, or the recipe or the data is missing.
    """
    from i2i.selection import select

    _check_plugin_files(Plugins.read(merge(layers).get("plugins", {}), "plugins"))
    of_recipe = merge([{"recipe": layer["recipe"]} for layer in layers if "recipe" in layer])
    name = of_recipe.get("recipe", {}).get("name")
    if name is None:
        raise UsageError("No recipe was chosen. Say which with --plugin, such as --plugin pix2pix.")
    recipe = lookup("recipe", name).cls
    defaults = {part: entries_of(default) for part, default in recipe.defaults.items()}
    said = merge([defaults, recipe.settings, *(presets.settings_of(recipe, preset) if preset else ()), *layers])
    known = ("recipe", *recipe.defaults, "dataset", *ENGINE)
    for section in said:
        if section not in known:
            raise UsageError(f"No section {section!r}.{suggest(section, known)} Sections: {', '.join(known)}.")
    if "path" not in said.get("data", {}):
        raise UsageError("No data was given. Say where the pairs are with --data FOLDER.")
    options = {key: value for key, value in said["recipe"].items() if key != "name"}
    engine: dict[str, Any] = {name: section.read(said.get(name, {}), name) for name, section in ENGINE.items()}
    _check_metrics(engine["validation"])
    for logger in engine["training"].loggers:
        complete(lookup("logger", logger.name).cls, logger.options, f"logger {logger.name!r}")
    parts = {part: said[part] for part in recipe.defaults}
    selection = select(name, options, parts)
    for section in ("optimizer", "average"):  # what is said of a network that these options do not need
        engine[section] = engine[section].without(recipe.defaults.keys() - selection.parts.keys())
    return RunConfig(
        selection=selection,
        said=parts,
        dataset=_dataset(Component(**{"name": "pairs", **said.get("dataset", {})})),
        **engine,
    )


def _check_plugin_files(plugins: Plugins) -> None:
    """Refuse what needs a file that nobody has loaded: a configuration is data, and runs no code."""
    for file in plugins.files:
        if not is_loaded(file.sha256):
            raise UsageError(f"The plugin file {file.path} is needed. Give it: --plugin-file {file.path}.")


def _dataset(chosen: Component) -> Component:
    cls = lookup("dataset", chosen.name).cls
    return Component(name=chosen.name, **complete(cls, chosen.options, f"dataset {chosen.name!r}"))


def _check_metrics(validation: Validation) -> None:
    """Refuse metrics and options that do not exist."""
    metrics = () if validation.metrics == "auto" else validation.metrics
    for metric in metrics:
        complete(lookup("metric", metric.name).cls, metric.options, f"metric {metric.name!r}")
    if validation.select not in ("auto", "last"):
        lookup("metric", validation.select.partition("/")[0])
