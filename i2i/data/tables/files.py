"""Tables whose images are files, one each: what they have in common, and how files of one name are matched."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i.data.tables.table import EncodedTable, Problem
from i2i.errors import DataError
from i2i.images import Header, discover, printable, probe
from i2i.images.discovery import JUNK, without_suffix
from i2i.images.formats.header import read_bytes
from i2i.plugins import suggest

SUGGESTIONS = 20
"""So many lonely files are compared with all others; of thousands, nobody reads more."""


class FileTable(EncodedTable):
    """A table of files.

    Args:
        layout: See `Table`.
        names: See `Table`.
        columns: See `Table`.
        files: A row's files, in the order of the columns.
        problems: See `Table`.
        keys: See `i2i.data.tables.held_out.keys_of`; the names when not given.
    """

    def __init__(
        self,
        layout: str,
        names: Sequence[str],
        columns: Sequence[str],
        files: Sequence[Sequence[str]],
        problems: Sequence[Problem] = (),
        keys: Sequence[str] = (),
    ) -> None:
        super().__init__(layout, names, columns, problems)
        self.files = files
        self.keys = keys or names

    def file(self, row: int, column: str) -> Path:
        """Where an image is."""
        return Path(self.files[row][self.columns.index(column)])

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the file."""
        return read_bytes(self.file(row, column))

    def where(self, row: int, column: str) -> str:
        """The file, as errors call it."""
        return repr(str(self.file(row, column)))

    def header(self, row: int, column: str) -> Header:
        """The header alone is read."""
        return probe(self.file(row, column))


class Matched(NamedTuple):
    """Files of the same name in every folder."""

    names: list[str]
    files: list[tuple[str, ...]]
    """A row's files, in the order of the folders."""
    problems: list[Problem]


def folders_in(folder: str | os.PathLike[str]) -> list[str]:
    """Names of the folders in a folder, sorted, without those that systems hide or leave; none where there is none."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"{os.fspath(folder)} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    return sorted(name for name in names if not name.startswith(".") and name.lower() not in JUNK)


def match(base: Path, folders: Mapping[str, Path]) -> Matched:
    """The files of each name, which is the path in the folder without suffix.

    Args:
        base: What messages begin with.
        folders: The folder of each column.
    """
    problems: list[Problem] = []
    found = {column: _by_name(folder, problems) for column, folder in folders.items()}
    doubled = {problem.name for problem in problems}
    every = set.intersection(*(set(files) for files in found.values())) - doubled
    told: set[str] = set()
    for files in found.values():
        for name in sorted(files.keys() - every - doubled - told):
            column = next(column for column in found if name not in found[column])
            others = sorted(found[column].keys() - every) if len(told) < SUGGESTIONS else []
            label = os.path.relpath(folders[column], base)
            message = f"{base}: {printable(name)!r} has no partner in {label}.{suggest(name, others)}"
            problems.append(Problem(printable(name), "no-partner", message))
            told.add(name)
    rows = sorted(every)
    paths = [tuple(files[name] for files in found.values()) for name in rows]
    return Matched([printable(name) for name in rows], paths, problems)


def _by_name(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """Files by name; of a name that is there twice, the first, and a problem."""
    discovery, found = discover([folder]), dict[str, str]()
    base = str(discovery.base)
    for path in discovery.names:
        name, file = without_suffix(path), os.path.join(base, path)
        if (first := found.setdefault(name, file)) != file:
            both = " and ".join(repr(printable(os.path.basename(twin))) for twin in (first, file))
            message = f"{folder}: {both} have the same name. Rename one."
            problems.append(Problem(name, "same-name", message))
    return found


def names_of(paths: Sequence[str]) -> list[str]:
    """A printable name for each path, different for different paths: without suffix where that will do."""
    counts = Counter(map(without_suffix, set(paths)))
    return [printable(stem if counts[stem := without_suffix(path)] == 1 else path) for path in paths]
