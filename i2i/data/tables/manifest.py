"""A list of files, JSON lines or CSV: columns of paths beside the list, and perhaps a column ``split``.

``COLUMN_file_name`` holds the paths of COLUMN, ``file_name`` those of ``image``, as where the datasets library reads
folders of images; without such names, each column does whose values are called like image files.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i.data.tables.columns import find_pair
from i2i.data.tables.contract import Problem
from i2i.data.tables.files import FileTable, folders_in, names_of
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
    if (file := _whole(root)) is not None:
        return sorted(_splits_in(file, columns))
    stems = [name for name in _names_in(root) if name not in NAMES]
    lists = {
        **{Path(name).stem: Path(root, name) for name in stems},
        **{name: _own(root, name) for name in folders_in(root)},
    }
    return sorted(split for split, file in lists.items() if file is not None and _images_of(file, columns))


def open_split(root: str, split: str, columns: Sequence[str]) -> FileTable:
    """The rows of a split whose files are all there; see `Layout`."""
    whole = _whole(root)
    file = whole or _own(root, split) or next(p for end in ENDINGS if (p := Path(root, split + end)).is_file())
    keys = _images_of(file, columns)
    wanted = list(dict.fromkeys(columns)) or list(find_pair(list(keys)) or keys)
    reader = _Reader(file, {column: keys[column] for column in wanted})
    for line in _lines(file):
        if whole is None or str(line.values.get(SPLIT, "train")) == split:
            reader.add(line)
    names = _distinct(names_of([row[0] for row in reader.paths]))
    files = [tuple(Path(file.parent, path) for path in row) for row in reader.paths]
    return FileTable(f"manifest {file.name}, columns {' and '.join(wanted)}", names, wanted, files, reader.problems)


class _Reader:
    """Collects rows, and what is wrong with others."""

    def __init__(self, file: Path, keys: Mapping[str, str]) -> None:
        self.file, self.keys = file, keys
        self.paths: list[tuple[str, ...]] = []
        self.problems: list[Problem] = []
        self._listed: dict[Path, set[str]] = {}

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
        # each folder is listed once: asking for every file is slow on network drives
        if whole.parent not in self._listed:
            self._listed[whole.parent] = set(os.listdir(whole.parent)) if whole.parent.is_dir() else set()
        return "" if whole.name in self._listed[whole.parent] else f"there is no {printable(path)!r}. Correct the path."


def _whole(root: str) -> Path | None:
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
    return {str(line.values.get(SPLIT, "train")) for line in _lines(file) if not line.problem}


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
