"""A list of files, JSON, CSV or Parquet: columns of paths beside the list, and perhaps a column ``split``.

``COLUMN_file_name`` holds the paths of COLUMN, ``file_name`` those of ``image``, as where the datasets library reads
folders of images; without such names, each column does whose values are called like image files.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from i2i.data.tables.files import FileTable, folders_in, names_of
from i2i.data.tables.lists import ENDINGS, NAMES, Line, images_of, lines_of
from i2i.data.tables.names import among
from i2i.data.tables.table import Problem
from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import without_suffix
from i2i.places import is_url
from i2i.splits import SPLIT_NAMES, our_name

DATA = "data"
"""Folder that sets of the Hub keep their files in."""
SPLIT = "split"


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Those of the column ``split``, or those with a list of their own, here or in the folder `DATA`; see `Layout`."""
    home = _home(root, columns)
    if (file := whole_list(home)) is None:
        return sorted(_lists_in(home, columns))
    return sorted({split for split, _ in _divided(file) if split}) if images_of(file, columns) else []


def open_split(root: str, split: str, columns: Sequence[str]) -> FileTable:
    """The rows of a split whose files are all there; see `Layout`."""
    home = _home(root, columns)
    if (file := whole_list(home)) is None:
        return open_list(_lists_in(home, columns)[split], columns)
    table = _table(file, columns, partial(_lines_of_split, file, split))
    _refuse_folders_of_splits(file, table)
    return table


def open_list(file: Path, columns: Sequence[str]) -> FileTable:
    """All rows of one list whose files are all there.

    Args:
        file: The list.
        columns: As for `Layout.open_split`.

    Raises:
        DataError: If it cannot be read, or does not have the columns.
    """
    return _table(file, columns, partial(lines_of, file))


class ListTable(FileTable):
    """A table whose rows are those of a list.

    Args:
        lines: Reads the rows of the list.
        keys: Column of images -> key of its paths, of all that the list has.
        table: See `FileTable`.
    """

    def __init__(self, lines: Callable[[], Iterable[Line]], keys: Mapping[str, str], *table: Any) -> None:
        super().__init__(*table)
        self._lines, self._hidden = lines, {*keys.values(), SPLIT}
        self.unread = [column for column in keys if column not in self.columns]
        """Columns of images that are not among the table's."""

    def annotations(self) -> Iterator[Mapping[str, Any]]:
        """What else the list says of each row of a table without problems, in order: neither files nor split.

        The list is read again.
        """
        for line in self._lines():
            yield {key: value for key, value in line.values.items() if key not in self._hidden}


def _table(file: Path, columns: Sequence[str], lines: Callable[[], Iterable[Line]]) -> ListTable:
    keys = images_of(file, columns)
    if not keys:
        raise DataError(f"{file} cannot be used as a list of pairs. {flaw(str(file), columns)}")
    wanted = among(list(keys), columns) or list(keys)
    reader = _Reader(file, {column: keys[column] for column in wanted})
    for line in lines():
        reader.add(line)
    first = [PurePosixPath(row[0]).as_posix() for row in reader.paths]
    files = [tuple(os.path.join(file.parent, path) for path in row) for row in reader.paths]
    layout = f"manifest {file.name}, columns {' and '.join(wanted)}"
    # the names of rows that share an image tell how many there are, so a share is drawn by the path alone
    keys_of_rows = [printable(without_suffix(path)) for path in first]
    names = _distinct(names_of(first))
    return ListTable(lines, keys, layout, names, wanted, files, reader.problems, keys_of_rows)


def _refuse_folders_of_splits(file: Path, table: FileTable) -> None:
    """Stop at a list of all splits that does not tell them apart, as the folders do in which its files lie.

    Raises:
        DataError: If that is so.
    """
    if any(SPLIT in line.values for line in islice(lines_of(file), 1)):
        return
    folders = {top for key in table.keys if our_name(top := key.split("/")[0]) in SPLIT_NAMES}
    if len(set(map(our_name, folders))) > 1:
        there = " and ".join(sorted(folders))
        raise DataError(f"{file} has no column {SPLIT!r}, and lists files in {there}. Add the column.")


def flaw(file: str, columns: Sequence[str]) -> str:
    """Why a list that was given by name has no rows of images, in a sentence; empty where the file is no list.

    Raises:
        DataError: If it is no text.
    """
    if whole_list(file) is None:
        return ""
    lines = list(islice(lines_of(Path(file)), 1))
    if not lines:
        return "It has no rows."
    first = lines[0]
    if first.problem:
        return f"{first.place.capitalize()}: {first.problem}"
    if not images_of(Path(file), columns):
        there = ", ".join(repr(printable(str(key))) for key in first.values)
        wanted = f"columns {', '.join(columns)}" if columns else "two columns of images"
        separated = " Separate columns by commas." if file.endswith(".csv") and len(first.values) == 1 else ""
        return f"Its first row, {first.place}, does not have {wanted}; it has {there}.{separated}"
    return f"{first.place.capitalize()}: {next(_divided(Path(file)))[1].problem}"


def _lines_of_split(file: Path, split: str) -> Iterator[Line]:
    return (line for of, line in _divided(file) if of in (split, None))


def _divided(file: Path) -> Iterator[tuple[str | None, Line]]:
    """The rows of a list of all splits, each with its own; those that can be of any have none, and a problem."""
    for line in lines_of(file):
        split = line.values.get(SPLIT, "train")
        if line.problem:
            yield None, line
        elif isinstance(split, str) and split.strip():
            yield split.strip(), line
        else:
            yield None, line._replace(problem=f"{SPLIT!r} is {json.dumps(split)}. Write train, val or test.")


class _Reader:
    """Collects rows, and what is wrong with others."""

    def __init__(self, file: Path, keys: Mapping[str, str]) -> None:
        self.file, self.keys = file, keys
        self.paths: list[tuple[str, ...]] = []
        self.problems: list[Problem] = []
        self._listed: dict[Path, dict[str, bool]] = {}

    def add(self, line: Line) -> None:
        """Take a row, or note its problem."""
        paths = tuple(line.values.get(key) for key in self.keys.values())
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

    def _problem(self, key: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            return f"{key!r} is no path. Give one, or delete the line."
        if is_url(path):
            return f"{printable(path)!r} is an address. Download the file, and give its path."
        if not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == os.pardir:
            return f"{printable(path)!r} leads out of the manifest's folder. Write an absolute path if that is meant."
        whole = Path(self.file.parent, path)
        try:
            # each folder is listed once: asking for every file is slow on network drives
            if (is_folder := self._entries(whole.parent).get(whole.name)) is None:
                return f"there is no {printable(path)!r}. Correct the path."
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return f"{printable(path)!r} cannot be looked up: {reason.lower()}. Correct the path."
        return f"{printable(path)!r} is a folder. Give the path of a file." if is_folder else ""

    def _entries(self, folder: Path) -> Mapping[str, bool]:
        """What is in a folder, and whether it is a folder."""
        if folder not in self._listed:
            try:
                with os.scandir(folder) as entries:
                    self._listed[folder] = {entry.name: entry.is_dir() for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                self._listed[folder] = {}
        return self._listed[folder]


def whole_list(root: str) -> Path | None:
    """The list of all splits, if that is what there is: ``root`` itself, or one in the folder."""
    if os.path.isfile(root):
        return Path(root) if root.endswith(ENDINGS) or os.path.basename(root) in NAMES else None
    return _list_in(root)


def leads(root: str, columns: Sequence[str]) -> bool:
    """Whether a list at the top of a folder says what its pairs are, which folders beside it only suggest."""
    if file := whole_list(root):
        return bool(images_of(file, columns))
    lists = [Path(root, name) for name in (os.listdir(root) if os.path.isdir(root) else []) if name.endswith(ENDINGS)]
    return any(images_of(file, columns) for file in lists if our_name(file.stem) in SPLIT_NAMES)


def _list_in(folder: str) -> Path | None:
    return next((file for name in NAMES if (file := Path(folder, name)).is_file()), None)


def _home(root: str, columns: Sequence[str]) -> str:
    """Where the lists are: the root, or the folder `DATA` where only that has any."""
    inner = os.path.join(root, DATA)
    file = whole_list(root)
    here = images_of(file, columns) if file else _lists_in(root, columns)
    return root if here or not os.path.isdir(inner) else inner


def _lists_in(folder: str, columns: Sequence[str]) -> dict[str, Path]:
    """Split -> its list: one in the folder ``train``, or ``train.jsonl``."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = {Path(name).stem: Path(folder, name) for name in sorted(names, reverse=True) if name.endswith(ENDINGS)}
    for name in folders_in(folder):
        if name != DATA and (file := _list_in(os.path.join(folder, name))):
            found[name] = file
    return {split: file for split, file in found.items() if split[0] != "." and images_of(file, columns)}


def _distinct(names: list[str]) -> list[str]:
    """The names, with the row's number behind those that several rows share."""
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} #{row}" for row, name in enumerate(names)]
