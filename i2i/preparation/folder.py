"""The dataset folder: what is where in it, before, while and after it is made.

While inputs are worked on, everything lies in ``preparing/``, beside the old dataset where one is being replaced. Then
``report.jsonl`` is written, which has each pair's split, and the files move to their places; ``dataset.yaml`` comes
last and says that all is there. So a kill at any instant leaves a folder from which the same command goes on.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from i2i.errors import DataError, UsageError
from i2i.preparation.card import card_of
from i2i.preparation.command import Command, begun_command, finished_command
from i2i.preparation.layouts import metadata_of
from i2i.preparation.report import Output, Row, Tally, read_rows
from i2i.preparation.tasks import Inputs
from i2i.prepared import BEGUN, CARD, HALVES, IMAGES, METADATA, REPORT, STAGING
from i2i.splits import SPLITS
from i2i.system import safe_json, safe_yaml
from i2i.system.files import atomic_file, cannot_write, make_folder, sync_folder, write_atomically

Standing = Literal["new", "begun", "finished"]
"""What a command finds in its folder: nothing to go on from, its own work, or the dataset that it makes."""


class DatasetFolder:
    """The paths of a dataset folder, and the steps from one of its states to the next.

    Args:
        folder: The folder; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = folder / CARD
        self.report = folder / REPORT
        self.staging = folder / STAGING
        self.command = folder / BEGUN
        self.outputs = self.staging / "files"
        self.journals = self.staging / "shards"
        self.finishing = self.staging / "finishing"
        self.old = self.staging / "old.jsonl"
        """While a dataset is being replaced: the names of its files, one a line."""

    @property
    def being_replaced(self) -> bool:
        """Whether another dataset is made in the place of the one that is there, or was."""
        return self.old.is_file()

    @property
    def finished(self) -> bool:
        """Whether everything is in its place."""
        return self.card.is_file() and not self.being_replaced

    @property
    def reported(self) -> bool:
        """Whether it is settled what becomes of every input; what is left to do is to move files."""
        return self.report.is_file() and not self.being_replaced

    def check_ours(self) -> None:
        """Refuse a folder that holds anything else; nothing in it may be lost, not even with --overwrite.

        Raises:
            UsageError: If it does, or is a file.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{str(self.folder)!r} is a file. Give a folder for the dataset.")
        if self.card.is_file():
            self.made_by()
        there = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        if there - {self.staging.name} and not (self.card.is_file() or self.command.is_file()):
            raise UsageError(
                f"{str(self.folder)!r} holds something else, such as {min(there)!r}. Give a new folder for the dataset."
            )

    def made_by(self) -> Command:
        """The command that made the finished dataset; see `finished_command`."""
        try:
            return finished_command(self.card.read_bytes(), str(self.card))
        except OSError as error:
            raise DataError(f"{str(self.card)!r} cannot be read: {(error.strerror or str(error)).lower()}.") from error

    @property
    def empty(self) -> bool:
        """Whether the dataset that is there has no image at all: every input was skipped or rejected."""
        return self.card.is_file() and not any(row.status == "made" for row in self.read_report())

    def standing(self, command: Command, *, overwrite: bool, alone: bool) -> Standing:
        """What a command finds here; reads only.

        Args:
            command: What is asked for.
            overwrite: Whether it may replace what is there.
            alone: Whether no other process can be at work here.

        Raises:
            UsageError: If what is there was made or begun with other settings, and must not be replaced. A dataset
                without images may be: nothing is lost with it.
        """
        if overwrite:
            return "begun" if self.being_replaced and self._begun_by(command) else "new"
        where = repr(str(self.folder))
        if self.card.is_file() and not (self.being_replaced and self._begun_by(command)):
            if alone and self.empty and not (self.being_replaced and self.has_work):
                return "new"
            if differences := command.differences(self.made_by(), versions=False):
                raise UsageError(
                    f"{where} was made with other settings: {differences}. "
                    "Give another folder, or start afresh with --overwrite."
                )
            return "finished"
        if not self.command.is_file():
            return "new"
        if differences := command.differences(begun_command(self.command), versions=True):
            if alone and not (self.reported or self.has_work):
                return "new"
            raise UsageError(
                f"{where} was begun with other settings: {differences}. "
                "Repeat the old command, give another folder, or start afresh with --overwrite."
            )
        return "begun"

    def _begun_by(self, command: Command) -> bool:
        try:
            return not command.differences(begun_command(self.command), versions=True)
        except UsageError:  # damaged: nothing goes on from it
            return False

    @property
    def has_work(self) -> bool:
        """Whether anything was made that is not in its place yet, and that another command would lose."""
        return self.journals.is_dir() and any(path.stat().st_size for path in self.journals.iterdir())

    def begin(self, command: Command, standing: Standing, *, overwrite: bool) -> Command:
        """The command that the folder is for: this one, or the equal one of an interrupted run.

        What is overwritten stays where it is until the new dataset is complete; see `write_report`.

        Raises:
            UsageError: If it is not known which files are those of the dataset that is to be overwritten.
            OutputError: If the folder cannot be written.
        """
        if standing == "begun":
            return begun_command(self.command)
        if overwrite or self.card.is_file():
            if not self.being_replaced:
                self._note_old_files()
            shutil.rmtree(self.journals, ignore_errors=True)
            shutil.rmtree(self.outputs, ignore_errors=True)
        write_atomically(self.command, command.model_dump_json(indent=1).encode())
        return command

    def _note_old_files(self) -> None:
        there = self.card.exists() or self.report.exists()
        with atomic_file(self.old) as old:
            for name in files_of(self._rows_to_replace()) if there else ():
                old.write(json.dumps(name).encode() + b"\n")

    def _rows_to_replace(self) -> Iterator[Row]:
        try:
            yield from self.read_report()
        except DataError:
            raise UsageError(
                f"{str(self.report)!r} is missing or damaged, so that it is not known which files are the dataset's. "
                "Remove the folder, or give another."
            ) from None

    def make_room(self) -> None:
        """Make the folders that files are written to.

        Raises:
            OutputError: If they cannot be made.
        """
        for name in (*HALVES, IMAGES):
            make_folder(self.outputs / name)

    def write_report(self, rows: Iterable[Row]) -> None:
        """Commit what became of every input. From here on a dataset that is being replaced is no more.

        Raises:
            UsageError: If a file that belongs to no dataset has the name of one that was made.
            OutputError: If something cannot be written or removed.
        """
        old = self._old_files() if self.being_replaced else set()
        with atomic_file(self.report) as file:
            for row in rows:
                if self.being_replaced:
                    self._check_free(row, old)
                file.write(row.to_line())
            if self.being_replaced:
                self._remove(old)
        self.old.unlink(missing_ok=True)

    def _old_files(self) -> set[str]:
        return {safe_json.load(line) for line in self.old.read_bytes().splitlines()}

    def _check_free(self, row: Row, old: set[str]) -> None:
        for name in files_of([row]):
            if name not in old and os.path.lexists(self.folder / name):
                raise UsageError(
                    f"{str(self.folder / name)!r} is not of the dataset that is overwritten, and would be lost. "
                    "Move it elsewhere, then run the same command again."
                )

    def _remove(self, names: Iterable[str]) -> None:
        """Remove a dataset, its card first; what else lies in its folders stays."""
        parts = [self.folder / part for part in (*SPLITS, IMAGES)]
        try:
            self.card.unlink(missing_ok=True)
            sync_folder(self.folder)
            for path in [*(self.folder / name for name in names), *(part / METADATA for part in parts)]:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        for part in parts:
            for folder in (*(part / half for half in HALVES), part):
                with suppress(OSError):  # not there, or not empty
                    folder.rmdir()

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
        pairs = tally.of_pairs
        parts = [split for split in SPLITS if split == "train" or tally.splits[split]] if pairs else [IMAGES]
        with ExitStack() as stack:
            for part in parts:
                for half in HALVES if len(tally.kinds) > 1 else ("",):
                    make_folder(self.folder / part / half)
            metadata = {part: stack.enter_context(atomic_file(self.folder / part / METADATA)) for part in parts}
            for row in self.read_report():
                if row.status != "made":
                    continue
                for output in row.outputs:
                    _move(self.outputs / output.file, self.folder / place_of(row, output))
                metadata[row.split or IMAGES].write(json.dumps(metadata_of(row)).encode() + b"\n")
            for folder in (folder for part in parts for folder in (self.folder / part).iterdir() if folder.is_dir()):
                sync_folder(folder)

    def finish(self, command: Command, tally: Tally, inputs: Inputs) -> None:
        """Say that everything is in its place."""
        write_atomically(self.card, safe_yaml.dump(card_of(command, tally, inputs)).encode())


def place_of(row: Row, output: Output) -> str:
    """Where a file that was made lies, relative to the dataset."""
    return f"{row.split}/{output.file}" if row.split else output.file


def files_of(rows: Iterable[Row]) -> Iterator[str]:
    """All images that a report names, relative to the dataset.

    Raises:
        DataError: If a name leads out of it.
    """
    for row in rows:
        for output in row.outputs:
            name = place_of(row, output)
            if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
                raise DataError(f"The report names {name!r}, which is not in the dataset. Remove the dataset by hand.")
            yield name


def _move(staged: Path, place: Path) -> None:
    try:
        staged.replace(place)
    except FileNotFoundError:
        if not place.is_file():
            raise DataError(f"{str(staged)!r} has vanished. Start afresh with --overwrite.") from None
    except OSError as error:
        raise cannot_write(place, error) from error
