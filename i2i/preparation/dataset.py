"""The dataset folder: what is where in it, before, while and after it is made.

While inputs are worked on, everything lies in ``preparing/``. Then ``report.jsonl`` is written, which has each pair's
split, and the files move to their places; ``dataset.yaml`` comes last and says that all is there. So a kill at any
instant leaves a folder from which the same command goes on.
"""

import json
import shlex
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from i2i import safe_yaml
from i2i.errors import DataError, UsageError
from i2i.files import cannot_write, make_folder, sync_folder, write_atomically
from i2i.pairs import SPLITS, range_of
from i2i.preparation.layouts import HALVES, Layout, folders_of, metadata_of
from i2i.preparation.report import Output, Row

FORMAT = 1


class Command(BaseModel):
    """What was asked for, and with which software."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preparer: str
    options: dict[str, Any]
    layout: Layout
    val: float
    test: float
    seed: int
    max_pixels: int
    sources: tuple[str, ...]
    versions: dict[str, str]

    def settings(self) -> dict[str, Any]:
        """What decides the result: everything but the spelling of the sources, and the versions."""
        runner = self.model_dump(include={"preparer", "layout", "val", "test", "seed", "max_pixels"})
        return {**runner, **self.options}

    def differences(self, other: "Command", *, versions: bool) -> str:
        """``name here instead of there``, for each setting in which another command differs."""
        ours, theirs = self.settings(), other.settings()
        if versions:
            ours, theirs = {**ours, **self.versions}, {**theirs, **other.versions}
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return ", ".join(f"{name} {ours.get(name)} instead of {theirs.get(name)}" for name in names)

    def line(self) -> str:
        """The command as it is typed, but for the name of the dataset folder, which may change."""
        words = ["i2i", "prepare", self.preparer, *self.sources, "OUT"]
        given = {**self.options, **self.model_dump(include={"val", "test", "layout", "seed", "max_pixels"})}
        for name, value in given.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            elif value is not None:
                values = value if isinstance(value, list) else [value]
                words += [word for item in values for word in (f"--{flag}", str(item))]
        return shlex.join(words)


class DatasetFolder:
    """The paths of a dataset folder, and the steps from one of its states to the next.

    Args:
        folder: The folder; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = folder / "dataset.yaml"
        self.report = folder / "report.jsonl"
        self.staging = folder / "preparing"
        self.command = self.staging / "command.json"
        self.journal = self.staging / "journal.jsonl"
        self.lock = self.staging / "lock"

    @property
    def finished(self) -> bool:
        """Whether everything is in its place."""
        return self.card.is_file()

    def check_ours(self) -> None:
        """Refuse a folder that holds anything else; nothing in it may be lost, not even with --overwrite.

        Raises:
            UsageError: If it does, or is a file.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{str(self.folder)!r} is a file. Give a folder for the dataset.")
        if self.finished:
            command_of(self.card)
        there = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        if there - {self.staging.name} and not (self.finished or self.command.is_file()):
            raise UsageError(
                f"{str(self.folder)!r} holds something else, such as {min(there)!r}. Give a new folder for the dataset."
            )

    def clear(self, command: Command) -> None:
        """Begin afresh; a kill on the way leaves what only another beginning afresh goes on from."""
        self.journal.unlink(missing_ok=True)
        self.report.unlink(missing_ok=True)
        write_atomically(self.command, command.model_dump_json(indent=1).encode())
        self.card.unlink(missing_ok=True)

    def begin(self, command: Command) -> Command:
        """The command that the folder is for: this one, or the equal one of an interrupted run.

        Raises:
            UsageError: If that run had other settings.
            OutputError: If the folder cannot be written.
        """
        if not self.command.is_file():
            write_atomically(self.command, command.model_dump_json(indent=1).encode())
        before = read_command(self.command)
        if differences := command.differences(before, versions=True):
            raise UsageError(
                f"{str(self.folder)!r} was begun with other settings: {differences}. "
                "Repeat the old command, give another folder, or start afresh with --overwrite."
            )
        return before

    def make_room(self, layout: Layout) -> None:
        """Make the folders that files are written to, and remove those of a dataset that is being overwritten.

        Raises:
            OutputError: If they cannot be made.
        """
        for split in SPLITS:
            shutil.rmtree(self.folder / split, ignore_errors=True)
        for name in folders_of(layout):
            make_folder(self.staging / name)

    def write_report(self, rows: Sequence[Row]) -> None:
        """Commit what became of every input."""
        lines = (json.dumps(row.model_dump(mode="json", exclude_defaults=True)) for row in rows)
        write_atomically(self.report, "".join(f"{line}\n" for line in lines).encode())

    def read_report(self) -> list[Row]:
        """What became of every input.

        Raises:
            DataError: If the report is missing or damaged.
        """
        try:
            return [Row.model_validate_json(line) for line in self.report.read_bytes().splitlines()]
        except (OSError, ValidationError):
            raise DataError(f"{str(self.report)!r} is missing or damaged. Start afresh with --overwrite.") from None

    def place(self, rows: Sequence[Row], layout: Layout) -> None:
        """Move every file to its split, and describe each split.

        Raises:
            DataError: If a file has vanished.
            OutputError: If something cannot be written.
        """
        for split in SPLITS:
            members = [row for row in rows if row.split == split]
            if not members and split != "train":
                continue
            for name in folders_of(layout):
                make_folder(self.folder / split / name)
            for output in (output for row in members for output in row.outputs):
                _move(self.staging / output.file, self.folder / split / output.file)
            for name in folders_of(layout):
                sync_folder(self.folder / split / name)
            lines = (json.dumps(metadata_of(row.name, row.outputs)) for row in members)
            write_atomically(self.folder / split / "metadata.jsonl", "".join(f"{line}\n" for line in lines).encode())

    def finish(self, command: Command, rows: Sequence[Row]) -> None:
        """Say that everything is in its place."""
        write_atomically(self.card, safe_yaml.dump(card_of(command, rows)).encode())


def read_command(path: Path) -> Command:
    """The command of an interrupted run.

    Raises:
        UsageError: If the file is damaged.
    """
    try:
        return Command.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise UsageError(f"{str(path)!r} is damaged. Start afresh with --overwrite.") from None


def _move(staged: Path, place: Path) -> None:
    try:
        staged.replace(place)
    except FileNotFoundError:
        if not place.is_file():
            raise DataError(f"{str(staged)!r} has vanished. Start afresh with --overwrite.") from None
    except OSError as error:
        raise cannot_write(place, error) from error


def card_of(command: Command, rows: Sequence[Row]) -> dict[str, Any]:
    """Content of ``dataset.yaml``."""
    made = [row for row in rows if row.status == "made"]
    states = Counter(row.status for row in rows)
    splits = Counter(row.split for row in made)
    halves = HALVES if command.layout == "folders" else ("image",)
    return {
        "format": FORMAT,
        "command": command.line(),
        **command.model_dump(mode="json"),
        "counts": {name: states[name] for name in ("made", "skipped", "rejected")} | {s: splits[s] for s in SPLITS},
        "images": {half: _kinds([row.outputs[i] for row in made]) for i, half in enumerate(halves)},
        "licence": "",
        "attribution": "",
    }


def command_of(card: Path) -> Command:
    """The command that made a finished dataset.

    Raises:
        UsageError: If ``dataset.yaml`` is another tool's, or damaged.
    """
    values = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
    try:
        return Command.model_validate({name: values[name] for name in Command.model_fields})
    except (ValidationError, KeyError, TypeError):
        raise UsageError(f"{str(card)!r} is not one that `i2i prepare` wrote. Give a new folder.") from None


def _kinds(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """What images there are, by type and channels: how many, in which range of values, of which sizes."""
    kinds: dict[tuple[str, int], list[Output]] = {}
    for output in outputs:
        kinds.setdefault((output.dtype, output.channels), []).append(output)
    return [
        {
            "images": len(members),
            "dtype": dtype,
            "channels": channels,
            "range": list(range_of(_dtype(dtype))),
            "height": [min(o.height for o in members), max(o.height for o in members)],
            "width": [min(o.width for o in members), max(o.width for o in members)],
        }
        for (dtype, channels), members in sorted(kinds.items())
    ]


def _dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)
