"""The command of a preparation: what was asked for, as it is checked, recorded, compared and printed."""

import shlex
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from i2i import safe_yaml
from i2i.errors import UsageError
from i2i.preparation.settings import Settings

OF_PAIRS = ("val", "test", "layout", "split", "group")
"""Settings that have no meaning where images are made that are no pairs."""

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
        """What the preparer is constructed with."""
        return {**self.options, **self.unrecorded}

    @property
    def pairs_only(self) -> str:
        """The flags that were chosen and are about pairs."""
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
        given = {**self.options, **self.model_dump(exclude={"preparer", "options", "files", "sources", "versions"})}
        for name, value in given.items():
            if pairs or name not in OF_PAIRS:
                words += _typed(name, value)
        return shlex.join(words)


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
