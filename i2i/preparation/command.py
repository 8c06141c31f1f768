"""The command of a preparation: what was asked for, as it is checked, recorded, compared and printed."""

import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import Field, ValidationError

from i2i import safe_yaml
from i2i.errors import MissingInputError, UsageError
from i2i.images import printable
from i2i.images.ranges import check_range
from i2i.options import complete, options_of
from i2i.pairs import FindingPreparer
from i2i.partners import expression
from i2i.places import without_secrets
from i2i.plugins import Provided, describe, installed_versions
from i2i.preparation.settings import Settings
from i2i.preparation.splitting import check_shares
from i2i.system.files import sha256_of

OF_PAIRS = ("val", "test", "layout", "split", "group")
"""Settings that have no meaning where images are made that are no pairs."""

DECIDING = ("i2i-toolkit", "numpy", "opencv-python-headless", "pillow", "torch")
"""Distributions whose version may change a bit of the result."""

STATED = ("licence", "attribution")
"""Settings that say something about the dataset and change none of its images; `dataset.yaml` may be edited."""


class Command(Settings):
    """What was asked for, and with which software; what is excluded stays in memory and is not recorded."""

    preparer: str
    sources: tuple[str, ...]
    """As they were given, addresses without secrets."""
    files: dict[str, str] = Field(default={})
    """For each option that is a path, what makes it the same: the checksum of a file, else the place."""
    versions: dict[str, str]
    unrecorded: dict[str, Any] = Field(default={}, exclude=True)
    """Options that decide nothing about the pairs; see `i2i.pairs.FindingPreparer`."""

    @property
    def all_options(self) -> dict[str, Any]:
        """Return what the preparer is constructed with."""
        return {**self.options, **self.unrecorded}

    @property
    def pairs_only(self) -> str:
        """Return the flags that were chosen and are about pairs."""
        return " and ".join(f"--{name}" for name in OF_PAIRS if name in self.model_fields_set)

    def settings(self) -> dict[str, Any]:
        """Return what decides the result: everything but the spelling of sources and paths, and the versions."""
        chosen = self.model_dump(exclude={"options", "files", "sources", "versions"})
        return {**chosen, **self.options, **self.files}

    def differences(self, other: "Command", *, versions: bool) -> str:
        """Compare with another command: ``--name here instead of there`` for each setting in which it differs."""
        ours, theirs = self.settings(), other.settings()
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        telling = [name for name in names if name not in STATED or ours[name]]
        said = [
            f"--{name.replace('_', '-')} is another file"
            if name in self.files and name in other.files
            else _instead(name, ours.get(name), theirs.get(name))
            for name in telling
        ]
        if versions:
            ours, theirs = self.versions, other.versions
            names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
            said += [f"{name} {ours.get(name)} instead of {theirs.get(name)}" for name in names]
        return ", ".join(said)

    def line(self, *, pairs: bool) -> str:
        """Return the command as it is typed, but for the name of the dataset folder, which may change.

        Args:
            pairs: Whether it makes pairs; what only they have is left out otherwise.
        """
        words = ["i2i", "prepare", self.preparer, *self.sources, "OUT"]
        shared = self.model_dump(exclude={"preparer", "options", "files", "sources", "versions"}, exclude_none=True)
        for name, value in (self.options | shared).items():
            if pairs or name not in OF_PAIRS:
                words += _typed(name, value)
        return shlex.join(words)


def finds(provided: Provided) -> bool:
    """Return whether a preparer finds its inputs itself."""
    return issubclass(provided.cls, FindingPreparer)


def makes_images(provided: Provided) -> bool:
    """Return whether a preparer says by its type that it makes single images and no pairs."""
    makes = provided.cls.make if finds(provided) else provided.cls.__call__
    try:
        made = get_type_hints(makes).get("return")
    except (NameError, TypeError):  # a stranger's annotations; what it makes is looked at as well
        return False
    return get_origin(made) is np.ndarray


def command_for(name: str, provided: Provided, sources: Sequence[str], settings: Settings) -> Command:
    """Build the complete command.

    Raises:
        UsageError: If a setting is wrong, or has no meaning for this preparer.
    """
    check_shares(settings.val, settings.test)
    own = options_of(provided.cls).model_fields
    shared = {"range": settings.range or None} | {
        option: getattr(settings, option) for option in ("seed", "val", "test", "max_pixels")
    }
    options = {option: value for option, value in shared.items() if option in own} | settings.options
    for flag, text in (("--group", settings.group), ("--match", settings.match)):
        if text:
            expression(text, flag)
    changed: dict[str, Any] = {"range": tuple(map(check_range, settings.range))}
    if finds(provided):
        changed["max_pixels"] = None
        for option in ("match", "range", "max_pixels"):
            if option in settings.model_fields_set and getattr(settings, option) and option not in own:
                flag = option.replace("_", "-")
                raise UsageError(f"preparer {name!r} finds its inputs itself, so that --{flag} has no meaning.")
    elif len(settings.range) not in (0, 1, wanted := len(provided.cls.inputs)):
        said = f"{len(settings.range)} ranges are given for {wanted} inputs"
        raise UsageError(f"{said}. Give one for all, or one for each.")
    options = complete(provided.cls, options, f"preparer {name!r}")
    changed["unrecorded"] = {option: options.pop(option) for option in getattr(provided.cls, "unrecorded", ())}
    given = {setting: getattr(settings, setting) for setting in settings.model_fields_set}
    command = Command(
        **given | changed | {"options": options},
        preparer=name,
        sources=tuple(printable(without_secrets(source)) for source in sources),
        files=_files(provided, options),
        versions={"python": platform.python_version(), provided.distribution: provided.version}
        | installed_versions(DECIDING),
    )
    if makes_images(provided) and command.pairs_only:
        raise UsageError(
            f"preparer {name!r} makes images and no pairs, which {command.pairs_only} is about. Leave it out."
        )
    return command


def _files(provided: Provided, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what is at each path among the options; of an option that may be text too, only where it names a file.

    Raises:
        MissingInputError: If a file cannot be read.
    """
    fields = options_of(provided.cls).model_fields
    files = {}
    for name, value in options.items():
        annotation = fields[name].annotation
        if value is None or not _holds(Path, annotation):
            continue
        paths = [Path(item) for item in (value if isinstance(value, list) else [value])]
        if _holds(str, annotation) and not all(path.is_file() for path in paths):
            continue
        try:
            same = [f"sha256:{sha256_of(path)}" if path.is_file() else str(path.absolute()) for path in paths]
        except OSError as error:
            raise MissingInputError(f"{str(value)!r} cannot be read: {describe(error)}.") from error
        files[name] = " ".join(same)
    return files


def _holds(kind: type, annotation: Any) -> bool:
    return annotation is kind or any(_holds(kind, part) for part in get_args(annotation))


def _typed(name: str, value: Any) -> list[str]:
    """Return a setting as it is typed; nothing where it is not given."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if value is None or value == "":
        return []
    values = value if isinstance(value, list | tuple) else [value]
    if name == "range":
        values = [f"{low:g}:{high:g}" for low, high in values]
    return [word for item in values for word in (f"--{flag}", str(item))]


def _instead(name: str, ours: Any, theirs: Any) -> str:
    """Return ``--name here instead of there``, as it is typed."""
    if name == "preparer":
        return f"{name} {ours} instead of {theirs}"
    here, there = _typed(name, ours), _typed(name, theirs)
    if len(here) == len(there) == 2:
        there = there[1:]
    none = f"no --{name.replace('_', '-')}"
    return f"{shlex.join(here) or none} instead of {shlex.join(there) or none}"


def begun_command(path: Path) -> Command:
    """Load the command of an interrupted run.

    Raises:
        UsageError: If the file is damaged.
    """
    try:
        return Command.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise UsageError(f"{str(path)!r} is damaged. Start afresh with --overwrite.") from None


def finished_command(card: bytes, where: str) -> Command:
    """Load the command that made a finished dataset.

    Args:
        card: Content of its ``dataset.yaml``.
        where: Where that is, for errors.

    Raises:
        UsageError: If ``dataset.yaml`` is another tool's, or damaged.
    """
    try:
        values = safe_yaml.load(card.decode("utf-8"), where)
        return Command.model_validate({name: values[name] for name in Command.model_fields if name in values})
    except (UnicodeDecodeError, ValidationError, TypeError):
        raise UsageError(f"{where!r} is not one that `i2i prepare` wrote. Give a new folder.") from None
