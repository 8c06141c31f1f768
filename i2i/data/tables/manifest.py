"""A list of files, JSON lines or CSV: columns of paths beside the list, and perhaps a column ``split``.

``COLUMN_file_name`` holds the paths of COLUMN, ``file_name`` those of ``image``, as where the datasets library reads
folders of images; without such names, each column does whose values are called like image files.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from i2i.data.tables.columns import find_pair
from i2i.data.tables.contract import Problem
from i2i.data.tables.files import FileTable, folders_in, names_of, without_suffix
from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import SUFFIXES

NAMES = ("manifest.jsonl", "manifest.csv", "metadata.jsonl", "metadata.csv")
ENDINGS = (".jsonl", ".csv")
SPLIT = "split"
FILE_NAME = "file_name"


class Line(NamedTuple):
    """One row of the list, or what is wrong with it."""

    number: int
    values: Mapping[str, Any]
    problem: str = ""


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Those of the column ``split``, or the folders with a list of their own; see `Layout`."""
    if (file := whole_list(root)) is not None:
        return sorted(_splits_in(file, columns))
    stems = [name for name in _names_in(root) if name not in NAMES]
    lists = {
        **{Path(name).stem: Path(root, name) for name in stems},
        **{name: _own(root, name) for name in folders_in(root)},
    }
    return sorted(split for split, file in lists.items() if file is not None and _images_of(file, columns))


def open_split(root: str, split: str, columns: Sequence[str]) -> FileTable:
    """The rows of a split whose files are all there; see `Layout`."""
    whole = whole_list(root)
    file = whole or _own(root, split) or next(p for end in ENDINGS if (p := Path(root, split + end)).is_file())
    keys = _images_of(file, columns)
    wanted = list(dict.fromkeys(columns)) or list(find_pair(list(keys)) or keys)
    reader = _Reader(file, {column: keys[column] for column in wanted})
    for of, line in _divided(file) if whole else ((split, line) for line in _lines(file)):
        if of in (split, None):
            reader.add(line)
    first = [row[0] for row in reader.paths]
    files = [tuple(Path(file.parent, path) for path in row) for row in reader.paths]
    layout = f"manifest {file.name}, columns {' and '.join(wanted)}"
    # the names of rows that share an image tell how many there are, so a share is drawn by the path alone
    keys_of_rows = [printable(without_suffix(path)) for path in first]
    return FileTable(layout, _distinct(names_of(first)), wanted, files, reader.problems, keys_of_rows)


def flaw(file: str, columns: Sequence[str]) -> str:
    """Why a list that was given by name has no rows of images, in a sentence; empty where the file is no list.

    Raises:
        DataError: If it is no text.
    """
    if not file.endswith(ENDINGS):
        return ""
    lines = list(islice(_lines(Path(file)), 1))
    if not lines:
        return "It has no rows."
    first = lines[0]
    if first.problem:
        return f"Line {first.number}: {first.problem}"
    if not _images_of(Path(file), columns):
        there = ", ".join(repr(printable(str(key))) for key in first.values)
        wanted = f"columns {', '.join(columns)}" if columns else "two columns of images"
        separated = " Separate columns by commas." if file.endswith(".csv") and len(first.values) == 1 else ""
        return f"Its first row, line {first.number}, does not have {wanted}; it has {there}.{separated}"
    return f"Line {first.number}: {next(_divided(Path(file)))[1].problem}"


def _divided(file: Path) -> Iterator[tuple[str | None, Line]]:
    """The rows of a list of all splits, each with its own; those that can be of any have none, and a problem."""
    for line in _lines(file):
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
            message = f"{self.file}, line {line.number}: {problem}"
            self.problems.append(Problem(f"line {line.number}", reason, message))
        else:
            self.paths.append(paths)  # type: ignore[arg-type]  # each is a str: `_problem` has said so

    def _problem(self, key: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            return f"{key!r} is no path. Give one, or delete the line."
        if "://" in path:
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
    """The list of all splits, if that is what there is."""
    if os.path.isfile(root):
        return Path(root) if root.endswith(ENDINGS) else None
    return next((Path(root, name) for name in NAMES if os.path.isfile(os.path.join(root, name))), None)


def _own(root: str, split: str) -> Path | None:
    """The list in a split's folder."""
    return next((file for name in NAMES if (file := Path(root, split, name)).is_file()), None)


def _names_in(root: str) -> list[str]:
    return sorted(n for n in os.listdir(root) if n.endswith(ENDINGS) and n[0] != ".") if os.path.isdir(root) else []


def _splits_in(file: Path, columns: Sequence[str]) -> set[str]:
    if not _images_of(file, columns):
        return set()
    return {split for split, _ in _divided(file) if split}


def _images_of(file: Path, columns: Sequence[str]) -> dict[str, str]:
    """Column of images -> key of its paths, by the first row; empty unless there are two, or those that are named."""
    first = next((line.values for line in _lines(file) if not line.problem), {})
    keys = {key.removesuffix(FILE_NAME).removesuffix("_") or "image": key for key in first if key.endswith(FILE_NAME)}
    if not keys:
        keys = {key: key for key, value in first.items() if _is_image_name(value)}
    return keys if (set(columns) <= keys.keys() if columns else len(keys) > 1) else {}


def _is_image_name(value: object) -> bool:
    return isinstance(value, str) and os.path.splitext(value)[1].lower() in SUFFIXES


def _lines(file: Path) -> Iterator[Line]:
    """The rows, counted from 1; of CSV without the head.

    Raises:
        DataError: If the list is no text.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from _csv(stream) if file.suffix == ".csv" else _json(stream)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}. A list is UTF-8, JSON lines or CSV.") from None


def _json(stream: Iterator[str]) -> Iterator[Line]:
    for number, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except ValueError as error:
            yield Line(number, {}, f"this is no JSON ({error}). Correct or delete it.")
            continue
        yield Line(number, values) if isinstance(values, dict) else Line(number, {}, "this is no JSON object.")


def _csv(stream: Iterator[str]) -> Iterator[Line]:
    reader = csv.DictReader(stream)
    for row in reader:
        wrong = "it has more or fewer fields than the head. Quote those with commas."
        uneven = None in row or None in row.values()
        yield Line(reader.line_num, {}, wrong) if uneven else Line(reader.line_num, row)


def _distinct(names: list[str]) -> list[str]:
    """The names, with the row's number behind those that several rows share."""
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} #{row}" for row, name in enumerate(names)]
