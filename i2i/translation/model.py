"""The model folder: ``config.json`` and ``generator.safetensors``, everything that translating needs."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from i2i import __version__
from i2i.assembly import Selection, build_part, providers
from i2i.config import Mode
from i2i.contracts import Generator
from i2i.errors import DataError, MissingInputError, UnknownNameError, UsageError
from i2i.files import replace_folder
from i2i.options import check, complete
from i2i.pairs import Pixels
from i2i.plugins import lookup
from i2i.weights import to_bytes

CONFIG = "config.json"
WEIGHTS = "generator.safetensors"
FORMAT = 1


class Side(BaseModel):
    """What images of one side are."""

    model_config = ConfigDict(extra="forbid")

    channels: int
    dtype: Literal["uint8", "uint16", "float32"]

    @classmethod
    def of(cls, pixels: Pixels) -> "Side":
        """What this image is."""
        return cls.model_validate({"channels": pixels.shape[2], "dtype": str(pixels.dtype)})


class Origin(BaseModel):
    """Which package provided a component when the model was made."""

    model_config = ConfigDict(extra="forbid")

    plugin: str
    distribution: str
    version: str


class ModelConfig(BaseModel):
    """``config.json`` of a model folder."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    i2i: str = __version__
    selection: Selection
    providers: dict[str, Origin]
    source: Side
    target: Side
    size: int
    """Height and width that the model was trained at."""
    direction: str
    mode: Mode
    """How it translates unless told otherwise."""
    step: int
    """Steps of training behind the weights."""
    sha256: dict[str, str] = {}
    """Checksums of the files beside this one."""


def origins(selection: Selection) -> dict[str, Origin]:
    """Where the recipe and its parts come from, in this environment."""
    return {
        part: Origin(plugin=found.plugin, distribution=found.distribution, version=found.version)
        for part, found in providers(selection).items()
    }


def save_model(folder: Path, config: ModelConfig, weights: dict[str, Tensor]) -> None:
    """Write or replace a model folder.

    Raises:
        OutputError: If it cannot be written.
    """
    data = to_bytes(weights)
    config = config.model_copy(update={"sha256": {WEIGHTS: hashlib.sha256(data).hexdigest()}})
    text = json.dumps(config.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    replace_folder(folder, [(WEIGHTS, data), (CONFIG, text.encode())])


def find_model(path: str | os.PathLike[str]) -> Path:
    """The model folder at ``path``, which may be a run folder too.

    Raises:
        MissingInputError: If neither is there.
    """
    for folder in (Path(path), Path(path) / "model"):
        if (folder / CONFIG).is_file():
            return folder
    if (last := Path(path) / "model-last").is_dir():
        raise MissingInputError(f"{os.fspath(path)} has not been validated yet. Give its last model: {last}.")
    raise MissingInputError(f"{os.fspath(path)} is neither a model folder (with {CONFIG}) nor a run with a model.")


def load_model(folder: Path) -> tuple[ModelConfig, nn.Module]:
    """The configuration and the generator, on the CPU.

    Raises:
        DataError: If a file is missing or damaged, or the weights do not fit the generator.
        UnknownNameError: If a plugin that the model needs is not installed; the message says what to install.
        UsageError: If a newer i2i made the model, or the installed component refuses the options.
    """
    config = _read_config(folder / CONFIG)
    recipe, owner = _needs(config, "recipe"), f"recipe {config.selection.recipe.name!r}"
    # complete, since the installed recipe may have options that are younger than the model
    options = complete(recipe, config.selection.recipe.options, owner)
    wiring = recipe.wiring(config.source.channels, config.target.channels, options)
    _needs(config, "generator")
    generator: nn.Module = build_part("generator", Generator, config.selection, wiring)
    try:
        generator.load_state_dict(_read_weights(folder / WEIGHTS, config), strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{folder / WEIGHTS} does not fit generator {config.selection.parts['generator'].name!r}: {reason}"
        ) from None
    return config, generator


def _read_config(path: Path) -> ModelConfig:
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {path}: {error}.") from None
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise DataError(f"{path} is not the configuration of an i2i model.")
    if values["format"] > FORMAT:
        raise UsageError(
            f"{path} was made by i2i {values.get('i2i')}, this is {__version__}. Upgrade: pip install -U i2i."
        )
    return check(ModelConfig, values, str(path))


def _needs(config: ModelConfig, part: str) -> Any:
    if part not in config.providers or (part != "recipe" and part not in config.selection.parts):
        raise DataError(f"{CONFIG} says nothing of the {part}. Copy the model folder again.")
    kind, component = part, config.selection.recipe if part == "recipe" else config.selection.parts[part]
    try:
        return lookup(kind, component.name).cls
    except UnknownNameError as error:
        origin = config.providers[part]
        raise UnknownNameError(
            f"{error} The model was made with {origin.distribution} {origin.version}: "
            f"pip install {origin.distribution}."
        ) from None


def _read_weights(path: Path, config: ModelConfig) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
    except OSError:
        raise DataError(f"{path} is missing. Copy the whole model folder.") from None
    if hashlib.sha256(data).hexdigest() != config.sha256.get(path.name):
        raise DataError(f"{path} is damaged: its checksum is not the one in {CONFIG}. Copy it again.")
    return load_tensors(data)
