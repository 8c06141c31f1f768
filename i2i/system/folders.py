"""Folders that are whole or not there, as the files of `i2i.system.files` are."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from i2i.errors import OutputError
from i2i.system.files import cannot_write, make_folder, sync_folder, temporary_name

Bytes = bytes | memoryview


def replace_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a whole folder of files, in the place of the one that was there; see `NewFolder`.

    Args:
        folder: Where it goes; its parents are made.
        files: Name and bytes of each file, taken one at a time; a name may lead into a folder.

    Raises:
        OutputError: If it cannot be written; what was there before is then untouched.
    """
    with NewFolder(folder) as new:
        for name, data in files:
            new.write(name, [data])
        new.put()


class NewFolder:
    """A folder that is written under a hidden name, and then put in the place of the one that was there.

    No call swaps two folders on every system, so there is an instant at which the old one is hidden already and the new
    one still is; whatever is under the name is whole. As a context, it is gone where it was not put.

    Args:
        place: Where it goes; its parents are made.

    Raises:
        OutputError: If it cannot be made.
    """

    def __init__(self, place: Path) -> None:
        make_folder(place.parent)
        self.place = place
        self._hidden, self._old = (place.parent / f"{temporary_name()}-{age}" for age in ("new", "old"))
        self._files, self._size = list[Path](), 0
        with self._errors():
            self._hidden.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def path(self, name: str) -> Path:
        """Return where a file of it is until it is put."""
        return self._hidden / name

    def write(self, name: str, pieces: Iterable[Bytes]) -> None:
        """Write a file, of which a power cut may leave nothing until the folder is put.

        Args:
            name: Its name, which may lead into a folder.
            pieces: Its bytes, one after the other.

        Raises:
            OutputError: If it cannot be written.
        """
        with self._errors(), self._made(name).open("xb", buffering=0) as file:
            for piece in pieces:
                rest = memoryview(piece).cast("B")
                self._size += len(rest)
                while rest:
                    rest = rest[file.write(rest) :]

    def link(self, name: str, file: Path) -> None:
        """Give a file that is never changed in place a second name in this folder, or copy it where that cannot be.

        Raises:
            OutputError: If it cannot be written.
        """
        with self._errors():
            path = self._made(name)
            try:
                os.link(file, path)
            except OSError:  # no file system has all of them
                shutil.copyfile(file, path)

    def put(self) -> None:
        """Make it survive a power cut, and put it in its place.

        Raises:
            OutputError: If it cannot be; what was there before is then untouched.
        """
        with self._errors():
            for path in self._files:
                with path.open("r+b") as file:
                    os.fsync(file.fileno())
            for made in {self._hidden, *(path.parent for path in self._files)}:
                sync_folder(made)
            if self.place.exists():
                self.place.rename(self._old)
            try:
                self._hidden.rename(self.place)
            except OSError:
                if self._old.exists():
                    self._old.rename(self.place)
                raise
            sync_folder(self.place.parent)
        shutil.rmtree(self._old, ignore_errors=True)

    def drop(self) -> None:
        """Remove what was written, if it was not put."""
        shutil.rmtree(self._hidden, ignore_errors=True)

    def _made(self, name: str) -> Path:
        """Make the folder that a new file goes to."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files.append(path)
        return path

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.drop()  # what it took is free when that is measured
            raise error if isinstance(error, OutputError) else cannot_write(self.place, error, self._size) from error
