"""Tables whose images are files, one each: what they have in common, and how files of one name are matched."""

import os
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from i2i.data.tables.lists import stands_for_folder
from i2i.data.tables.table import EncodedTable, Problem
from i2i.errors import DataError
from i2i.images import Discovery, Header, discover, printable, probe
from i2i.images.discovery import JUNK, without_suffix
from i2i.images.formats.header import read_bytes
from i2i.partners import expression, propose
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


def match(base: Path, folders: Mapping[str, Path], partners: str = "") -> FileTable:
    """Make a row of the files of each name, which is the path in the folder without suffix.

    Args:
        base: What messages begin with.
        folders: The folder of each column.
        partners: Expression whose first group files of one row share, instead of their whole name.

    Raises:
        UsageError: If the expression is none, or has no group.
        DataError: If a folder holds a list, which would be passed over.
    """
    problems: list[Problem] = []
    pattern = expression(partners, "dataset.match") if partners else None
    walks = {column: _walk(folder) for column, folder in folders.items()}
    found = {column: _by_key(folders[column], walk, pattern, problems) for column, walk in walks.items()}
    doubled = {problem.name for problem in problems}
    every = set.intersection(*(set(files) for files in found.values())) - doubled
    lonely = _lonely(base, folders, found, every | doubled)
    stems = [[_stem(name) for name in walk.names] for walk in walks.values()]
    if lonely and not partners and (proposal := propose(stems)):
        message = f"{lonely[0].message} All have one with --set {shlex.quote(f'dataset.match={proposal}')}."
        lonely[0] = lonely[0]._replace(message=message)
    rows = sorted(every)
    paths = [tuple(files[name] for files in found.values()) for name in rows]
    labels = " and ".join(folder.relative_to(base).as_posix() for folder in folders.values())
    return FileTable(f"folders {labels}", [printable(row) for row in rows], list(folders), paths, [*problems, *lonely])


def _walk(folder: Path) -> Discovery:
    """The images of a column.

    Raises:
        DataError: If there is a list among them.
    """
    found = discover([folder])
    if listed := next((name for name, _ in found.skipped if stands_for_folder(PurePosixPath(name).name)), None):
        raise DataError(
            f"{folder / listed} is a list in the folder of a column, which is not read. Put one that names all images "
            "of each pair above it, or move it away."
        )
    return found


def _by_key(folder: Path, found: Discovery, pattern: re.Pattern[str] | None, problems: list[Problem]) -> dict[str, str]:
    """Files by what partners share; of a name that is there twice, the first, and a problem."""
    files, base = dict[str, str](), str(found.base)
    for path in found.names:
        name, file = _key(path, pattern), os.path.join(base, path)
        if not name:
            message = f"{folder}: {printable(path)!r} does not match dataset.match, so that its partner is not known."
            problems.append(Problem(printable(path), "no-match", message))
        elif (first := files.setdefault(name, file)) != file:
            both = " and ".join(repr(printable(os.path.basename(twin))) for twin in (first, file))
            message = f"{folder}: {both} have the same name. Rename one."
            problems.append(Problem(name, "same-name", message))
    return files


def _key(path: str, pattern: re.Pattern[str] | None) -> str | None:
    """What files of one row share; nothing where the expression is not found."""
    if pattern is None:
        return _stem(path)
    found = pattern.search(_stem(path))
    return found[1] if found else None


def _stem(path: str) -> str:
    """A path without its suffix, composed: macOS and Linux spell letters with accents differently."""
    return unicodedata.normalize("NFC", without_suffix(path))


def _lonely(
    base: Path, folders: Mapping[str, Path], found: Mapping[str, Mapping[str, str]], told: Collection[str]
) -> list[Problem]:
    """A problem for each name that is not in every folder, unless it is told already."""
    problems, seen = list[Problem](), set[str](told)
    for files in found.values():
        for name in sorted(files.keys() - seen):
            column = next(column for column in found if name not in found[column])
            others = sorted(found[column].keys() - set(told)) if len(problems) < SUGGESTIONS else []
            label = os.path.relpath(folders[column], base)
            message = f"{base}: {printable(name)!r} has no partner in {label}.{suggest(name, others)}"
            problems.append(Problem(printable(name), "no-partner", message))
            seen.add(name)
    return problems


def names_of(paths: Sequence[str]) -> list[str]:
    """A printable name for each path, different for different paths: without suffix where that will do."""
    counts = Counter(map(without_suffix, set(paths)))
    return [printable(stem if counts[stem := without_suffix(path)] == 1 else path) for path in paths]
