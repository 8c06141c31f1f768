"""The model folder: ``config.json`` and the weights of each network that translates, such as ``generator.safetensors``.

Weights of other parts may stand beside them, such as ``discriminator.safetensors``: training can begin with those. A
run has a model folder in it, and so does each of its checkpoints.
"""

import hashlib
import json
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, PositiveInt, field_validator
from torch import Tensor, nn

from i2i import __version__, safe_json
from i2i.assembly import build_parts
from i2i.config import Mode
from i2i.contracts import Recipe
from i2i.errors import DataError, MissingInputError, UnknownNameError, UsageError, suggest
from i2i.fields import Field, Fields
from i2i.kinds import COMMANDS
from i2i.options import complete, validate
from i2i.parameters import parts_asked
from i2i.plugin_files import Checksum
from i2i.plugins import installed, lookup
from i2i.selection import Component, Selection, providers
from i2i.serving import contracts_of, part_kinds
from i2i.system.faults import naming_plugins
from i2i.system.files import replace_folder
from i2i.system.unfilled import unfilled
from i2i.translation.weights import difference, fill, read_table, read_tensors, to_bytes

_log = logging.getLogger(__name__)

CONFIG = "config.json"
MODEL = "model"
"""The model folder in a run's, or in a checkpoint's."""
LAST_MODEL = "model-last"
"""The same in a run's: as it was at the last step, instead of the best."""
FORMAT = 2
MAX_CONFIG = 1_000_000
"""Bytes of a configuration; most take 2,000."""
MAX_NAME = 100
MAX_REASON = 200
"""Characters of what torch says about weights that do not fit."""


def _distribution(name: str) -> str:
    canonicalize_name(name, validate=True)
    return name


def _version(text: str) -> str:
    Version(text)
    return text


# both are shown to people as what to install
Distribution = Annotated[str, AfterValidator(_distribution)]
"""Name of a package, as PEP 508 has it."""
PackageVersion = Annotated[str, AfterValidator(_version)]
"""Version of a package, as PEP 440 has it."""


class Origin(BaseModel):
    """Which package provided a component when the model was made."""

    model_config = ConfigDict(extra="forbid")

    plugin: str
    distribution: Distribution
    version: PackageVersion
    sha256: Checksum = ""
    """Of a plugin out of one file its checksum; distribution is then the file's name."""

    @property
    def remedy(self) -> str:
        """Say how to get what is missing."""
        if self.sha256:
            return f"Give that file by --plugin-file (its sha256 begins with {self.sha256[:12]})."
        return f"pip install {self.distribution}."


class ModelConfig(BaseModel):
    """``config.json`` of a model folder."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    i2i: PackageVersion = __version__
    selection: Selection
    providers: dict[str, Origin]
    fields: dict[str, Field]
    """What the data had, by name."""
    size: tuple[PositiveInt, PositiveInt]
    """Height and width that the model was trained at."""
    direction: str
    mode: Mode
    """How it translates unless told otherwise."""
    step: NonNegativeInt
    """Steps of training behind the weights."""
    sha256: dict[str, str] = {}
    """Checksums of the files beside this one."""

    @field_validator("selection")
    @classmethod
    def _names_are_short(cls, selection: Selection) -> Selection:
        chosen = (component for _, _, component in selection.components())
        if any(len(component.name) > MAX_NAME for component in (selection.recipe, *chosen)):
            raise ValueError(f"a component has a name of more than {MAX_NAME} characters")
        return selection

    @property
    def data(self) -> Fields:
        """Return the fields with their size."""
        return Fields(self.fields, self.size)

    def holds(self, part: str) -> bool:
        """Return whether the folder has the weights of a part."""
        return weights_file(part) in self.sha256


def weights_file(part: str) -> str:
    """Name the file with the weights of a part of the recipe."""
    return f"{part}.safetensors"


def origins(selection: Selection) -> dict[str, Origin]:
    """Say where the recipe and its parts come from, in this environment."""
    return {
        part: Origin(plugin=found.plugin, distribution=found.distribution, version=found.version, sha256=found.sha256)
        for part, found in providers(selection).items()
    }


def save_model(folder: Path, config: ModelConfig, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write or replace a model folder.

    Args:
        folder: Where it goes.
        config: What the model is.
        weights: Part of the recipe -> its weights: of those that translate, and of others that training can begin with.

    Raises:
        OutputError: If it cannot be written.
    """
    replace_folder(folder, model_files(config, weights))


def model_files(config: ModelConfig, weights: Mapping[str, Mapping[str, Tensor]]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file of a model folder, one at a time; see `save_model`."""
    sums = {}
    for part, tensors in weights.items():
        data = to_bytes(tensors)
        sums[weights_file(part)] = hashlib.sha256(data).hexdigest()
        yield weights_file(part), data
    text = json.dumps(config.model_copy(update={"sha256": sums}).model_dump(mode="json"), indent=2, ensure_ascii=False)
    yield CONFIG, f"{text}\n".encode()


def find_model(path: str | os.PathLike[str], revision: str | None = None) -> Path:
    """Return the model folder at a path, which may be a run's or a checkpoint's too, or of a model that a plugin knows.

    Args:
        path: A folder on this disk, or a name such as ``USER/NAME`` on a hub; what is on this disk comes first.
        revision: Which state of the model, where it has several.

    Raises:
        MissingInputError: If there is none.
        UsageError: If a revision is given of a folder on this disk.
        I2iError: If the model is elsewhere and cannot be fetched.
    """
    if not os.path.exists(path):
        if (fetched := installed(COMMANDS).find_model(os.fspath(path), revision)) is not None:
            return fetched
    elif revision is not None:
        raise UsageError(f"{os.fspath(path)} is a folder on this disk, which has no revisions. Leave the revision out.")
    for folder in (Path(path), Path(path) / MODEL):
        if (folder / CONFIG).is_file():
            return folder
    if (last := Path(path) / LAST_MODEL).is_dir():
        raise MissingInputError(f"{os.fspath(path)} has not been validated yet. Give its last model: {last}.")
    raise MissingInputError(f"{os.fspath(path)} is neither a model folder (with {CONFIG}) nor a run with a model.")


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


def read_config(folder: Path) -> ModelConfig:
    """Read what a model is.

    Raises:
        DataError: If the file is damaged.
        UsageError: If an older or a newer i2i made the model.
    """
    path = folder / CONFIG
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG + 1)
        if len(text) > MAX_CONFIG:
            raise DataError(f"{path} is larger than {MAX_CONFIG} bytes. That is no configuration of a model.")
        values: Any = safe_json.load(text)
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {path}: {error}.") from None
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise DataError(f"{path} is not the configuration of an i2i model.")
    if values["format"] < FORMAT:
        raise UsageError(
            f"{path} has format {values['format']}, which i2i does not read any more: it reads {FORMAT}. "
            "Train the model anew, or import its checkpoint anew."
        )
    if values["format"] > FORMAT:
        raise UsageError(
            f"{path} was made by i2i {str(values.get('i2i'))[:20]!r}, this is {__version__}. "
            "Upgrade: pip install -U i2i-toolkit."
        )
    return validate(ModelConfig, values, str(path))


def load_weights(folder: Path, config: ModelConfig, part: str) -> dict[str, Tensor]:
    """Load the weights of a part of the recipe, on the CPU.

    Raises:
        DataError: If the file is missing or damaged.
    """
    path = folder / weights_file(part)
    tensors, data = read_tensors(path)
    if hashlib.sha256(data).hexdigest() != config.sha256.get(path.name):
        raise DataError(f"{path} is damaged: its checksum is not the one in {CONFIG}. Copy it again.")
    return tensors
