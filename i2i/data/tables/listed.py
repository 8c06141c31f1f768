"""Rows of a list of files as a table: what each has, its split, and what is wrong with it."""

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from i2i.data.tables.files import FileTable, names_of
from i2i.data.tables.lists import Line, lines_of
from i2i.data.tables.names import SPLIT, names_split, split_column
from i2i.data.tables.table import Problem
from i2i.images import printable
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.places import is_url


class ListTable(FileTable):
    """A table whose rows are those of a list.

    Args:
        lines: Reads the rows of the list.
        keys: Column of images -> key of its paths, of all that the list has.
        unlisted: How many images lie in the folders of its files, and are not in the list.
        hints: Column -> its different values, of columns that hold nothing but names of splits.
        table: See `FileTable`.
    """

    def __init__(
        self,
        lines: Callable[[], Iterable[Line]],
        keys: Mapping[str, str],
        unlisted: int,
        hints: Mapping[str, Collection[str]],
        *table: Any,
    ) -> None:
        super().__init__(*table)
        self._lines, self._hidden, self.unlisted, self.hints = lines, {*keys.values()}, unlisted, hints
        self.unread = [column for column in keys if column not in self.columns]
        """Columns of images that are not among the table's."""

    def annotations(self) -> Iterator[Mapping[str, Any]]:
        """What else the list says of each row of a table without problems, in order: neither files nor split.

        The list is read again.
        """
        for line in self._lines():
            hidden = {*self._hidden, split_column(tuple(line.values))}
            yield {key: value for key, value in line.values.items() if key not in hidden}


def read_table(
    file: Path, keys: Mapping[str, str], wanted: Sequence[str], lines: Callable[[], Iterable[Line]]
) -> ListTable:
    """The rows of a list as a table; see `ListTable`.

    Args:
        file: The list.
        keys: Column of images -> key of its paths.
        wanted: The columns of the table.
        lines: Reads the rows.
    """
    reader = _Reader(file, {column: keys[column] for column in wanted})
    for line in lines():
        reader.add(line)
    # a pair is called by what is in the folder of its column: `7` where the column imageA has imageA/7.png
    first = [row[0].removeprefix(f"{wanted[0]}/") for row in reader.paths]
    files = [tuple(os.path.join(reader.folder, path) for path in row) for row in reader.paths]
    layout = f"manifest {file.name}, columns {' and '.join(wanted)}"
    # the names of rows that share an image tell how many there are, so a share is drawn by the path alone
    keys_of_rows = [printable(without_suffix(path)) for path in first]
    names = _distinct(names_of(first))
    found = layout, names, wanted, files, reader.problems, keys_of_rows
    return ListTable(lines, keys, reader.unlisted(), reader.hints or {}, *found)


def divided(file: Path, otherwise: str = "train") -> Iterator[tuple[str | None, Line]]:
    """The rows of a list, each with its split; those that can be of any have none, and a problem.

    Args:
        file: The list.
        otherwise: The split of all rows of a list that does not say them.
    """
    said: bool | None = None
    for line in lines_of(file):
        if line.problem:
            yield None, line
            continue
        key = split_column(tuple(line.values))
        said = key is not None if said is None else said
        split = line.values[key] if key is not None else None if said else otherwise
        if not said and key is not None:
            yield None, line._replace(problem=f"it has a {SPLIT!r}, and rows before it have none. Give one to all.")
        elif isinstance(split, str) and split.strip():
            yield split.strip(), line
        else:
            yield None, line._replace(problem=f"{SPLIT!r} is {json.dumps(split)}. Write train, val or test.")


class _Reader:
    """Collects rows, and what is wrong with others."""

    def __init__(self, file: Path, keys: Mapping[str, str]) -> None:
        self.file, self.keys, self.folder = file, keys, str(file.parent)
        self.paths: list[tuple[str, ...]] = []
        self.problems: list[Problem] = []
        self.hints: dict[str, set[str]] | None = None
        """Column -> its different values, of columns that have nothing but names of splits."""
        self._listed: dict[str, dict[str, bool]] = {}

    def add(self, line: Line) -> None:
        """Take a row, or note its problem."""
        if self.hints != {}:
            self._note(line.values)
        paths = tuple(_plain(line.values.get(key)) for key in self.keys.values())
        problems = (
            [line.problem]
            if line.problem
            else [self._problem(*item) for item in zip(self.keys.values(), paths, strict=True)]
        )
        if problem := next(filter(None, problems), ""):
            reason = "missing-file" if problem.startswith("there is no") else "bad-row"
            self.problems.append(Problem(line.place, reason, f"{self.file}, {line.place}: {problem}"))
        else:
            self.paths.append(paths)  # type: ignore[arg-type]  # each is a str: `_problem` has said so

    def unlisted(self) -> int:
        """How many images lie in the folders of the files, and are not among them."""
        listed = Counter(os.path.split(path)[0] for path in {path for row in self.paths for path in row})
        there = {
            folder: sum(
                not is_folder and name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES
                for name, is_folder in names.items()
            )
            for folder, names in self._listed.items()
        }
        return sum(max(0, count - listed[folder]) for folder, count in there.items())

    def _note(self, values: Mapping[str, Any]) -> None:
        if values:
            names = {key: value for key, value in values.items() if names_split(value)}
            hints: dict[str, set[str]] = {key: set() for key in names} if self.hints is None else self.hints
            self.hints = {key: {*hints[key], names[key]} for key in hints if key in names}

    def _problem(self, key: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            return f"{key!r} is no path. Give one, or delete the line."
        if "://" in path and is_url(path):
            return f"{printable(path)!r} is an address. Download the file, and give its path."
        if os.pardir in path and not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == os.pardir:
            return f"{printable(path)!r} leads out of the manifest's folder. Write an absolute path if that is meant."
        folder, name = os.path.split(path)
        try:
            # each folder is listed once: asking for every file is slow on network drives
            if (is_folder := self._entries(folder).get(name)) is None:
                return f"there is no {printable(path)!r}. Correct the path, or delete the line."
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return f"{printable(path)!r} cannot be looked up: {reason.lower()}. Correct the path."
        return f"{printable(path)!r} is a folder. Give the path of a file." if is_folder else ""

    def _entries(self, folder: str) -> Mapping[str, bool]:
        """What is in a folder, relative to the list, and whether it is a folder."""
        if folder not in self._listed:
            try:
                with os.scandir(os.path.join(self.folder, folder)) as entries:
                    self._listed[folder] = {entry.name: entry.is_dir() for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                self._listed[folder] = {}
        return self._listed[folder]


def _plain(path: object) -> object:
    """A path without blanks around it, nor ``./`` and ``//`` in it."""
    if not isinstance(path, str):
        return path
    path = path.strip()
    odd = path.startswith(".") or "/." in path or ("//" in path and not is_url(path))
    return PurePosixPath(path).as_posix() if odd else path


def _distinct(names: list[str]) -> list[str]:
    """The names, with the row's number behind those that several rows share."""
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} #{row}" for row, name in enumerate(names)]
