"""The model folder: ``config.json`` and the weights of each network that translates, such as ``generator.safetensors``.

Weights of other parts may stand beside them, such as ``discriminator.safetensors``: training can begin with those. A
run has a model folder in it, and so does each of its checkpoints.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, PositiveInt, field_validator
from torch import Tensor

from i2i import __version__, safe_json
from i2i.choices import Component
from i2i.config import Mode
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.fields import Field, Fields
from i2i.kinds import COMMANDS
from i2i.options import validate
from i2i.plugin_files import Checksum
from i2i.plugins import installed
from i2i.selection import Selection, providers
from i2i.system.files import sha256_of
from i2i.system.folders import NewFolder
from i2i.translation.weights import pieces, read_tensors

CONFIG = "config.json"
MODEL = "model"
"""The model folder in a run's, or in a checkpoint's."""
LAST_MODEL = "model-last"
"""The same in a run's: as it was at the last step, instead of the best."""
FORMAT = 2
MAX_CONFIG = 1_000_000
"""Bytes of a configuration; most take 2,000."""
MAX_NAME = 100


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
    looks: dict[str, Component] = {}
    """What fields look like that a preparer made, by name: its name, and as options what its `i2i.looks.Look` measured
    of the training's."""
    sha256: dict[str, str] = {}
    """Checksums of the files beside this one."""

    @field_validator("selection")
    @classmethod
    def _names_are_short(cls, selection: Selection) -> Selection:
        chosen = (component for _, _, component in selection.components())
        _check_names([selection.recipe, *chosen])
        return selection

    @field_validator("looks")
    @classmethod
    def _names_of_looks_are_short(cls, looks: dict[str, Component]) -> dict[str, Component]:
        _check_names(looks.values())
        return looks

    @property
    def data(self) -> Fields:
        """Return the fields with their size."""
        return Fields(self.fields, self.size)

    def holds(self, part: str) -> bool:
        """Return whether the folder has the weights of a part."""
        return weights_file(part) in self.sha256


def _check_names(components: Iterable[Component]) -> None:
    if any(len(component.name) > MAX_NAME for component in components):
        raise ValueError(f"a component has a name of more than {MAX_NAME} characters")


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
    sums = dict[str, str]()
    with NewFolder(folder) as new:
        for part, tensors in weights.items():
            checksum = hashlib.sha256()
            new.write(weights_file(part), _passing(checksum, pieces(tensors)))
            sums[weights_file(part)] = checksum.hexdigest()
        new.write(CONFIG, [config_bytes(config, sums)])
        new.put()


def config_bytes(config: ModelConfig, sums: Mapping[str, str]) -> bytes:
    """Return the content of ``config.json``, with the checksums of the files beside it."""
    whole = config.model_copy(update={"sha256": dict(sums)}).model_dump(mode="json")
    return f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n".encode()


def _passing(checksum: Any, data: Iterable[memoryview]) -> Iterator[memoryview]:
    for piece in data:
        checksum.update(piece)
        yield piece


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
    """Load the weights of a part of the recipe, on the CPU; see `read_tensors`.

    Raises:
        DataError: If the file is missing or damaged.
    """
    path = folder / weights_file(part)
    tensors = read_tensors(path)
    if sha256_of(path) != config.sha256.get(path.name):
        raise DataError(f"{path} is damaged: its checksum is not the one in {CONFIG}. Copy it again.")
    return tensors
