"""The dataset folder: what is where in it, before, while and after it is made.

While inputs are worked on, everything lies in ``preparing/``. Then ``report.jsonl`` is written, which has each pair's
split, and the files move to their places; ``dataset.yaml`` comes last and says that all is there. So a kill at any
instant leaves a folder from which the same command resumes.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from i2i.errors import DataError, UsageError
from i2i.preparation.command import Command, begun_command, finished_command
from i2i.preparation.report import Row, place_of, read_rows
from i2i.prepared import BEGUN, CARD, HALVES, IMAGES, METADATA, REPORT, STAGING
from i2i.splits import SPLITS
from i2i.system.files import cannot_write, make_folder, sync_folder, write_atomically

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

    @property
    def finished(self) -> bool:
        """Return whether everything is in its place."""
        return self.card.is_file()

    @property
    def reported(self) -> bool:
        """Return whether it is settled what becomes of every input; what is left to do is to move files."""
        return self.report.is_file()

    @property
    def half_removed(self) -> bool:
        """Return whether an overwriting was stopped while it removed the old dataset: its report goes last."""
        return self.reported and not self.finished and not self.command.is_file()

    @property
    def has_work(self) -> bool:
        """Return whether anything was made that is not in its place yet, and that another command would lose."""
        return self.journals.is_dir() and any(path.stat().st_size for path in self.journals.iterdir())

    def check_ours(self, *, overwrite: bool) -> None:
        """Refuse a folder that holds anything else; nothing in it may be lost, not even with --overwrite.

        Raises:
            UsageError: If it does, or is a file.
        """
        where = repr(str(self.folder))
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{where} is a file. Give a folder for the dataset.")
        if self.card.is_file():
            self.made_by()
        if self.half_removed:
            if not overwrite:
                raise UsageError(f"{where} holds what is left of a dataset that was overwritten. Repeat --overwrite.")
            return
        there = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        if there - {self.staging.name} and not (self.card.is_file() or self.command.is_file()):
            raise UsageError(
                f"{where} holds something else, such as {min(there)!r}. Give a new folder for the dataset, "
                "behind the sources."
            )

    def made_by(self) -> Command:
        """Load the command that made the finished dataset; see `finished_command`."""
        try:
            return finished_command(self.card.read_bytes(), str(self.card))
        except OSError as error:
            raise DataError(f"{str(self.card)!r} cannot be read: {(error.strerror or str(error)).lower()}.") from error

    def standing(self, command: Command) -> Standing:
        """Return what a command finds here; reads only.

        Raises:
            UsageError: If what is there was made or begun with other settings, and must not be removed. A dataset
                without images may be: nothing is lost with it.
        """
        where = repr(str(self.folder))
        overwrite, alone = command.overwrite, command.world_size == 1
        if self.finished:
            if overwrite or (alone and not any(row.status == "made" for row in self.read_report())):
                return "new"
            if differences := command.differences(self.made_by(), versions=False):
                raise UsageError(
                    f"{where} was made with other settings: {differences}. "
                    "Give another folder, or start afresh with --overwrite."
                )
            return "finished"
        if not self.command.is_file() or (overwrite and self.reported):
            return "new"
        try:
            differences = command.differences(begun_command(self.command), versions=True)
        except UsageError:
            if overwrite:
                return "new"
            raise
        if not differences:
            return "begun"
        if overwrite or (alone and not (self.reported or self.has_work)):
            return "new"
        raise UsageError(
            f"{where} was begun with other settings: {differences}. "
            "Repeat the old command, give another folder, or start afresh with --overwrite."
        )

    def begin(self, command: Command, standing: Standing) -> Command:
        """Return the command that the folder is for: this one, or the equal one of an interrupted run.

        What is there already is removed before a new one begins, unless other processes begin it too.

        Raises:
            UsageError: If it is not known which files are those of the dataset that is to be removed.
            OutputError: If the folder cannot be written.
        """
        if standing == "begun":
            return begun_command(self.command)
        if command.world_size == 1:
            self._remove()
        write_atomically(self.command, command.model_dump_json(indent=1).encode())
        return command

    def _remove(self) -> None:
        """Remove the dataset, finished or begun; what else lies in its folders stays."""
        try:
            if self.finished or self.reported:
                images = self._images()
                # in this order what a kill leaves is never taken for a dataset, nor for one that was begun
                for path in (self.command, self.card):
                    path.unlink(missing_ok=True)
                sync_folder(self.folder)
                parts = [self.folder / part for part in (*SPLITS, IMAGES)]
                for path in [*images, *(part / METADATA for part in parts)]:
                    path.unlink(missing_ok=True)
                for folder in [folder for part in parts for folder in (*(part / half for half in HALVES), part)]:
                    with suppress(OSError):  # not there, or not empty
                        folder.rmdir()
            for folder in (self.journals, self.outputs):
                shutil.rmtree(folder, ignore_errors=True)
            for path in (self.report, self.command):
                if path.is_file():
                    path.unlink()
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def _images(self) -> list[Path]:
        """Return the images that the report names.

        Raises:
            DataError: If a name leads out of the dataset.
            UsageError: If there is no report that can be read.
        """
        try:
            names = [place_of(row, output) for row in self.read_report() for output in row.outputs]
        except DataError:
            raise UsageError(
                f"{str(self.report)!r} is missing or damaged, so that it is not known which files are the dataset's. "
                "Remove the folder, or give another."
            ) from None
        for name in names:
            if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
                raise DataError(f"The report names {name!r}, which is not in the dataset. Remove the dataset by hand.")
        return [self.folder / name for name in names]

    def make_room(self) -> None:
        """Make the folders that files are written to.

        Raises:
            OutputError: If they cannot be made.
        """
        for name in (*HALVES, IMAGES):
            make_folder(self.outputs / name)

    def read_report(self) -> Iterator[Row]:
        """Read what became of every input; see `read_rows`."""
        return read_rows(self.report)
