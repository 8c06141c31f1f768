"""Lists of files, JSON, CSV or Parquet: columns of paths beside the list, and perhaps a column ``split``.

A list that is there decides what the pairs are. One that cannot be used is an error, unless another layout is said.
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
from i2i.data.tables.lists import Line, columns_of, images_of, is_list, lines_of, stands_for_folder
from i2i.data.tables.names import SPLIT, among, names_split, refuse_hidden_splits, split_column
from i2i.data.tables.table import Problem
from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.places import is_url
from i2i.splits import SPLIT_NAMES, our_name

DATA = "data"
"""Folder that sets of the Hub keep their files in."""
ALL = ""
"""Stands for all splits, where one list has them all."""
INSTEAD = (
    "Correct it, move it away, or say how pairs are stored without it, with --set dataset.layout=folders, twofolders or ab."
)


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Those of the column ``split``, or those with a list of their own, here or in the folder `DATA`; see `Layout`."""
    found = find_lists(root)
    if single_images(root) and not columns:
        return []
    for file in found.values():
        if said := flaw(file, columns):
            instead = "" if os.path.isfile(root) else f" {INSTEAD}"
            raise DataError(f"{file} cannot be used as a list of pairs. {said}{instead}")
    return splits_in(found)


def open_split(root: str, split: str, columns: Sequence[str]) -> "ListTable":
    """The rows of a split whose files are all there; see `Layout`."""
    found = find_lists(root)
    if ALL not in found:
        return open_list(found[split], split, columns)
    file, lines = lines_of_split(found, split)
    table = _table(file, split, columns, lines)
    _refuse_folders_of_splits(file, table)
    return table


def open_list(file: Path, split: str, columns: Sequence[str]) -> "ListTable":
    """All rows of a list of one split whose files are all there.

    Args:
        file: The list.
        split: That of all its rows.
        columns: As for `Layout.open_split`.

    Raises:
        DataError: If it cannot be read, or does not have the columns.
    """
    if said := flaw(file, columns):
        raise DataError(f"{file} cannot be used as a list of pairs. {said}")
    table = _table(file, split, columns, partial(_lines_of_one_split, file, split))
    if table.unlisted:
        table.layout += f"; images beside them that are not in the list: {table.unlisted}"
    return table


class ListTable(FileTable):
    """A table whose rows are those of a list.

    Args:
        lines: Reads the rows of the list.
        keys: Column of images -> key of its paths, of all that the list has.
        unlisted: How many images lie in the folders of its files, and are not in the list.
        table: See `FileTable`.
    """

    def __init__(
        self, lines: Callable[[], Iterable[Line]], keys: Mapping[str, str], unlisted: int, *table: Any
    ) -> None:
        super().__init__(*table)
        self._lines, self._hidden, self.unlisted = lines, {*keys.values()}, unlisted
        self.unread = [column for column in keys if column not in self.columns]
        """Columns of images that are not among the table's."""

    def annotations(self) -> Iterator[Mapping[str, Any]]:
        """What else the list says of each row of a table without problems, in order: neither files nor split.

        The list is read again.
        """
        for line in self._lines():
            hidden = {*self._hidden, split_column(line.values)}
            yield {key: value for key, value in line.values.items() if key not in hidden}


def find_lists(root: str) -> dict[str, Path]:
    """Split -> its list, or `ALL` -> the one list of all, which is ``root`` itself or in it, or in its folder `DATA`.

    Raises:
        DataError: If there are several, of which only one would be used.
    """
    if os.path.isfile(root):
        return {ALL: Path(root)} if is_list(root) else {}
    found = [*_lists_in(root), *_lists_in(os.path.join(root, DATA))]
    counts = Counter(split for split, _ in found)
    if len(found) > 1 and (rivals := [file for split, file in found if counts[ALL] or counts[split] > 1]):
        raise DataError(
            f"{rivals[0]} and {rivals[1]} are lists of the same images. Move one away, or give the one that is meant as "
            "the data."
        )
    return dict(found)


def single_images(root: str) -> dict[str, Path]:
    """As `find_lists`, where each list names one image a row: none of pairs, but perhaps of A|B files."""
    found = find_lists(root)
    return found if all(len(images_of(file)) == 1 for file in found.values()) else {}


def flaw(file: Path, columns: Sequence[str]) -> str:
    """Why a list has no rows of images, in a sentence; empty where it has.

    Raises:
        DataError: If it cannot be read.
    """
    if not (lines := list(islice(lines_of(file), 1))):
        return "It has no rows."
    first = lines[0]
    if first.problem:
        return f"{first.place.capitalize()}: {first.problem}"
    if not columns_of(file, columns):
        there = ", ".join(repr(printable(key)) for key in first.values)
        wanted = f"columns {', '.join(columns)}" if columns else "two columns of images"
        return f"Its first row, {first.place}, does not have {wanted}; it has {there}."
    if not any(split for split, _ in _divided(file)):
        return f"{first.place.capitalize()}: {next(_divided(file))[1].problem}"
    return ""


def _lists_in(folder: str) -> list[tuple[str, Path]]:
    """Split and list: of all splits (``metadata.csv``), of one (``train.csv``), or in the folder of one."""
    names = _files_in(folder)
    whole = [(ALL, Path(folder, name)) for name in names if stands_for_folder(name)]
    own = [(os.path.splitext(name)[0], Path(folder, name)) for name in names if is_list(name)]
    below = [
        (name, Path(folder, name, file))
        for name in folders_in(folder)
        if name != DATA
        for file in _files_in(os.path.join(folder, name))
        if stands_for_folder(file)
    ]
    return [*whole, *((split, file) for split, file in own if our_name(split) in SPLIT_NAMES), *below]


def _files_in(folder: str) -> list[str]:
    """Names of the files in a folder, sorted, without hidden ones; none where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] not in "._" and entry.is_file())
    except OSError:  # `folders_in` says what is wrong, where it matters
        return []


def _table(file: Path, split: str, columns: Sequence[str], lines: Callable[[], Iterable[Line]]) -> ListTable:
    keys = columns_of(file, columns)
    return read_table(file, split, keys, among(list(keys), columns) or list(keys), lines)


def read_table(
    file: Path, split: str, keys: Mapping[str, str], wanted: Sequence[str], lines: Callable[[], Iterable[Line]]
) -> ListTable:
    """The rows of a list as a table; see `ListTable`.

    Args:
        file: The list.
        split: What its rows are read as.
        keys: Column of images -> key of its paths.
        wanted: The columns of the table.
        lines: Reads the rows.

    Raises:
        DataError: If another column than ``split`` says which split each row is of.
    """
    reader = _Reader(file, {column: keys[column] for column in wanted})
    for line in lines():
        reader.add(line)
    if not reader.divided:
        refuse_hidden_splits(str(file), reader.hints or {}, split)
    # a pair is called by what is in the folder of its column: `7` where the column imageA has imageA/7.png
    first = [PurePosixPath(row[0]).as_posix().removeprefix(f"{wanted[0]}/") for row in reader.paths]
    files = [tuple(os.path.join(file.parent, path) for path in row) for row in reader.paths]
    layout = f"manifest {file.name}, columns {' and '.join(wanted)}"
    # the names of rows that share an image tell how many there are, so a share is drawn by the path alone
    keys_of_rows = [printable(without_suffix(path)) for path in first]
    names = _distinct(names_of(first))
    return ListTable(lines, keys, reader.unlisted(), layout, names, wanted, files, reader.problems, keys_of_rows)


def lines_of_split(found: Mapping[str, Path], split: str) -> tuple[Path, Callable[[], Iterator[Line]]]:
    """The list of a split, and what reads its rows: those that can be of any split are among them, with a problem."""
    if (file := found.get(ALL)) is None:
        return (own := found[split]), partial(_lines_of_one_split, own, split)
    return file, partial(_lines_of_any, file, split)


def splits_in(found: Mapping[str, Path]) -> list[str]:
    """The splits of lists as `find_lists` gives them."""
    return sorted({split for split, _ in _divided(file) if split}) if (file := found.get(ALL)) else sorted(found)


def _refuse_folders_of_splits(file: Path, table: ListTable) -> None:
    """Stop at a list of all splits that does not tell them apart, as the folders do in which its files lie.

    Raises:
        DataError: If that is so.
    """
    if any(split_column(line.values) for line in islice(lines_of(file), 1)):
        return
    tops = {Path(row[0]).relative_to(file.parent).parts[0] for row in table.files if _is_below(row[0], file.parent)}
    folders = {top for top in tops if our_name(top) in SPLIT_NAMES}
    if len(set(map(our_name, folders))) > 1:
        there = " and ".join(sorted(folders))
        raise DataError(f"{file} has no column {SPLIT!r}, and lists files in {there}. Add the column.")


def _lines_of_any(file: Path, split: str) -> Iterator[Line]:
    return (line for of, line in _divided(file) if of in (split, None))


def _lines_of_one_split(file: Path, split: str) -> Iterator[Line]:
    """The rows of a list that is of one split; a row that says another has a problem."""
    for of, line in _divided(file, split):
        wrong = of is not None and our_name(of) != our_name(split)
        yield line._replace(problem=f"{SPLIT!r} is {of!r} in a list of {split!r}. Correct it.") if wrong else line


def _divided(file: Path, otherwise: str = "train") -> Iterator[tuple[str | None, Line]]:
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
        key = split_column(line.values)
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
        self.file, self.keys = file, keys
        self.paths: list[tuple[str, ...]] = []
        self.problems: list[Problem] = []
        self.divided = False
        """Whether rows say their split."""
        self.hints: dict[str, set[str]] | None = None
        """Column -> its different values, of columns that have nothing but names of splits."""
        self._listed: dict[Path, dict[str, bool]] = {}

    def add(self, line: Line) -> None:
        """Take a row, or note its problem."""
        self._note(line.values)
        paths = tuple(_stripped(line.values.get(key)) for key in self.keys.values())
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
        listed = {self._whole(path) for row in self.paths for path in row}
        there = {
            folder / name
            for folder, names in self._listed.items()
            for name, is_folder in names.items()
            if not is_folder and name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES
        }
        return len(there - listed)

    def _note(self, values: Mapping[str, Any]) -> None:
        self.divided = self.divided or split_column(values) is not None
        if values:
            names = {key: value for key, value in values.items() if names_split(value)}
            hints: dict[str, set[str]] = dict.fromkeys(names, set()) if self.hints is None else self.hints
            self.hints = {key: {*hints[key], names[key]} for key in hints if key in names}

    def _problem(self, key: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            return f"{key!r} is no path. Give one, or delete the line."
        if is_url(path):
            return f"{printable(path)!r} is an address. Download the file, and give its path."
        if not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == os.pardir:
            return f"{printable(path)!r} leads out of the manifest's folder. Write an absolute path if that is meant."
        whole = self._whole(path)
        try:
            # each folder is listed once: asking for every file is slow on network drives
            if (is_folder := self._entries(whole.parent).get(whole.name)) is None:
                return f"there is no {printable(path)!r}. Correct the path, or delete the line."
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return f"{printable(path)!r} cannot be looked up: {reason.lower()}. Correct the path."
        return f"{printable(path)!r} is a folder. Give the path of a file." if is_folder else ""

    def _whole(self, path: str) -> Path:
        return Path(self.file.parent, path)

    def _entries(self, folder: Path) -> Mapping[str, bool]:
        """What is in a folder, and whether it is a folder."""
        if folder not in self._listed:
            try:
                with os.scandir(folder) as entries:
                    self._listed[folder] = {entry.name: entry.is_dir() for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                self._listed[folder] = {}
        return self._listed[folder]


def _stripped(path: object) -> object:
    return path.strip() if isinstance(path, str) else path


def _is_below(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder)


def _distinct(names: list[str]) -> list[str]:
    """The names, with the row's number behind those that several rows share."""
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} #{row}" for row, name in enumerate(names)]
