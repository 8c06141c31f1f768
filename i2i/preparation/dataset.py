"""The dataset folder: what is where in it, before, while and after it is made.

While inputs are worked on, everything lies in ``preparing/``. Then ``report.jsonl`` is written, which has each pair's
split, and the files move to their places; ``dataset.yaml`` comes last and says that all is there. So a kill at any
instant leaves a folder from which the same command goes on.
"""

import json
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from i2i import safe_yaml
from i2i.errors import DataError, UsageError
from i2i.files import atomic_file, cannot_write, make_folder, sync_folder, write_atomically
from i2i.pairs import SPLITS, range_of
from i2i.preparation.inputs import Inputs
from i2i.preparation.layouts import HALVES, Layout, metadata_of
from i2i.preparation.report import IMAGES, Kind, Row, Tally, read_rows
from i2i.preparation.splitting import Rule

FORMAT = 1
OF_PAIRS = ("val", "test", "layout", "split", "group")
"""Settings that have no meaning where images are made that are no pairs."""

STATED = ("licence", "attribution")
"""Settings that say something about the dataset and change none of its images; `dataset.yaml` may be edited."""


class Command(BaseModel):
    """What was asked for, and with which software."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preparer: str
    options: dict[str, Any]
    unrecorded: dict[str, Any] = Field(default={}, exclude=True)
    """Options that decide nothing about the pairs; see `i2i.pairs.FindingPreparer`."""
    layout: Layout
    val: float
    test: float
    split: Rule = "count"
    group: str = ""
    match: str = ""
    range: tuple[tuple[float, float], ...] = ()
    seed: int
    max_pixels: int
    licence: str = ""
    attribution: str = ""
    sources: tuple[str, ...]
    versions: dict[str, str]

    @property
    def all_options(self) -> dict[str, Any]:
        """What the preparer is constructed with."""
        return {**self.options, **self.unrecorded}

    def settings(self) -> dict[str, Any]:
        """What decides the result: everything but the spelling of the sources, and the versions."""
        return {**self.model_dump(exclude={"options", "sources", "versions"}), **self.options}

    def differences(self, other: "Command", *, versions: bool) -> str:
        """``name here instead of there``, for each setting in which another command differs."""
        ours, theirs = self.settings(), other.settings()
        if versions:
            ours, theirs = {**ours, **self.versions}, {**theirs, **other.versions}
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        telling = [name for name in names if name not in STATED or ours[name]]
        return ", ".join(f"{name} {ours.get(name)} instead of {theirs.get(name)}" for name in telling)

    def line(self, *, pairs: bool) -> str:
        """The command as it is typed, but for the name of the dataset folder, which may change.

        Args:
            pairs: Whether it makes pairs; what only they have is left out otherwise.
        """
        words = ["i2i", "prepare", self.preparer, *self.sources, "OUT"]
        given = {**self.options, **self.model_dump(exclude={"preparer", "options", "sources", "versions"})}
        given["range"] = [f"{low:g}:{high:g}" for low, high in self.range]
        for name, value in given.items():
            if (name in OF_PAIRS and not pairs) or value == "":
                continue
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
        self.outputs = self.staging / "files"
        self.journals = self.staging / "shards"
        self.finishing = self.staging / "finishing"

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
        shutil.rmtree(self.journals, ignore_errors=True)
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

    def make_room(self) -> None:
        """Make the folders that files are written to.

        Raises:
            OutputError: If they cannot be made.
        """
        for name in (*HALVES, IMAGES):
            make_folder(self.outputs / name)

    def remove_old(self) -> None:
        """Remove the images of a dataset that is being overwritten."""
        for name in (*SPLITS, IMAGES):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def write_report(self, rows: Iterable[Row]) -> None:
        """Commit what became of every input."""
        with atomic_file(self.report) as file:
            for row in rows:
                file.write(row.to_line())

    def read_report(self) -> Iterator[Row]:
        """What became of every input; see `read_rows`."""
        return read_rows(self.report)

    def place(self, tally: Tally) -> None:
        """Move every file to its place, and describe each split.

        Args:
            tally: What the report adds up to.

        Raises:
            DataError: If a file has vanished.
            OutputError: If something cannot be written.
        """
        pairs = makes_pairs(tally)
        parts = [split for split in SPLITS if split == "train" or tally.splits[split]] if pairs else [IMAGES]
        with ExitStack() as stack:
            for part in parts:
                for half in HALVES if len(tally.kinds) > 1 else ("",):
                    make_folder(self.folder / part / half)
            metadata = {part: stack.enter_context(atomic_file(self.folder / part / "metadata.jsonl")) for part in parts}
            for row in self.read_report():
                if row.status != "made":
                    continue
                for output in row.outputs:
                    _move(self.outputs / output.file, self.folder / (row.split or "") / output.file)
                metadata[row.split or IMAGES].write(json.dumps(metadata_of(row)).encode() + b"\n")
            for folder in (folder for part in parts for folder in (self.folder / part).iterdir() if folder.is_dir()):
                sync_folder(folder)

    def finish(self, command: Command, tally: Tally, inputs: Inputs) -> None:
        """Say that everything is in its place."""
        write_atomically(self.card, safe_yaml.dump(card_of(command, tally, inputs)).encode())


def makes_pairs(tally: Tally) -> bool:
    """Whether what was made are pairs, which all have a split."""
    return not tally.splits[None]


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


def card_of(command: Command, tally: Tally, inputs: Inputs) -> dict[str, Any]:
    """Content of ``dataset.yaml``."""
    halves = HALVES if len(tally.kinds) != 1 else ("image",)
    kinds = tally.kinds or [{} for _ in halves]
    counts = {name: tally.states[name] for name in ("made", "skipped", "rejected")}
    splits = {split: tally.splits[split] for split in SPLITS} if makes_pairs(tally) else {}
    return {
        "format": FORMAT,
        "command": command.line(pairs=makes_pairs(tally)),
        **command.model_dump(mode="json"),
        "counts": counts | splits,
        "images": {half: _described(kinds) for half, kinds in zip(halves, kinds, strict=True)},
        **({"remarks": list(inputs.remarks)} if inputs.remarks else {}),
        **({"facts": dict(inputs.facts)} if inputs.facts else {}),
        "licence": command.licence or inputs.licence,
        "attribution": command.attribution or inputs.attribution,
    }


def command_of(card: Path) -> Command:
    """The command that made a finished dataset.

    Raises:
        UsageError: If ``dataset.yaml`` is another tool's, or damaged.
    """
    values = safe_yaml.load(card.read_text(encoding="utf-8"), str(card))
    try:
        return Command.model_validate({name: values[name] for name in Command.model_fields if name != "unrecorded"})
    except (ValidationError, KeyError, TypeError):
        raise UsageError(f"{str(card)!r} is not one that `i2i prepare` wrote. Give a new folder.") from None


def _described(kinds: Mapping[tuple[str, int], Kind]) -> list[dict[str, Any]]:
    """What images there are, by type and channels: how many, in which range of values, of which sizes."""
    return [
        {
            "images": kind.images,
            "dtype": dtype,
            "channels": channels,
            "range": list(range_of(_dtype(dtype))),
            "height": list(kind.heights),
            "width": list(kind.widths),
        }
        for (dtype, channels), kind in sorted(kinds.items())
    ]


def _dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)
