"""Lists of files, JSON, CSV or Parquet: which files are lists, their rows, and which columns name images."""

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from i2i import safe_json
from i2i.data.tables.names import SPLIT, find_pair, split_column
from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import SUFFIXES
from i2i.splits import our_name

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
"""Lists that are text, one a row."""
STEMS = ("manifest", "metadata")
"""What a list is called that stands for a folder."""
FILE_NAME = "file_name"
SEPARATORS = ",;\t"
"""Of columns, in the order of preference; spreadsheets write semicolons where a comma is in their numbers."""


class Line(NamedTuple):
    """One row of a list, or what is wrong with it."""

    place: str
    """Such as ``line 3``."""
    values: Mapping[str, Any]
    problem: str = ""
    """What is wrong, and what to do."""
    split: str = ""
    """What it is for; empty where it has a problem."""


class FileList:
    """A list of files.

    Args:
        file: Where it is.
        split: That of all its rows, by where it lies; empty where they say theirs, or are all for training.
    """

    def __init__(self, file: Path, split: str = "") -> None:
        self.file, self.split = file, split

    def lines(self) -> Iterator[Line]:
        """Read the rows, each with its split; a row that does not say it as the others do has a problem.

        Raises:
            DataError: If the list cannot be read.
        """
        said: bool | None = None
        for line in read_lines(self.file):
            if line.problem:
                yield line
                continue
            key = split_column(tuple(line.values))
            said = key is not None if said is None else said
            value = line.values[key] if key is not None else None if said else self.split or "train"
            split = value.strip() if isinstance(value, str) else ""
            if key is not None and not said:
                yield line._replace(problem=f"it has a {SPLIT!r}, and rows before it have none. Give one to all.")
            elif not split:
                given = json.dumps(value, default=str)
                yield line._replace(problem=f"{SPLIT!r} is {given}. Write train, val or test.")
            elif self.split and our_name(split) != our_name(self.split):
                yield line._replace(problem=f"{SPLIT!r} is {split!r} in a list of {self.split!r}. Correct it.")
            else:
                yield Line(line.place, line.values, split=split)

    def lines_of(self, split: str) -> Iterator[Line]:
        """Read the rows of a split, and those that can be of any: they have a problem."""
        return (line for line in self.lines() if self.split or line.split in (split, ""))

    def splits(self) -> list[str]:
        """Return the splits of the rows, sorted."""
        return [self.split] if self.split else sorted({line.split for line in self.lines() if line.split})

    @cached_property
    def says_splits(self) -> bool:
        """Tell whether there is a column for them."""
        return split_column(tuple(self._first)) is not None

    @cached_property
    def _first(self) -> Mapping[str, Any]:
        """Return the first row that can be read."""
        return next((line.values for line in read_lines(self.file) if not line.problem), {})

    @cached_property
    def images(self) -> dict[str, str]:
        """Map the column of images to the key of its paths, by the first row that can be read.

        ``COLUMN_file_name`` holds the paths of COLUMN, and ``file_name`` those of ``image``, as where the datasets
        library reads folders of images. Other keys count where their values are called like image files: beside
        ``file_name`` the one that makes a known pair with it (``conditioning_image``), and all where there is no such
        key.
        """
        first = self._first
        keys = {
            key.removesuffix(FILE_NAME).removesuffix("_") or "image": key for key in first if key.endswith(FILE_NAME)
        }
        if len(keys) > 1:
            return keys
        plain = {key: key for key, value in first.items() if key not in keys.values() and _is_image_name(value)}
        if keys and (pair := find_pair([*keys, *plain])) and not keys.keys().isdisjoint(pair):
            return {column: {**plain, **keys}[column] for column in pair}
        return keys or plain

    def columns(self, wanted: Sequence[str]) -> dict[str, str]:
        """Return `images`, with any key that the user named; none where one is not there, or fewer than two are."""
        if not wanted:
            return self.images if len(self.images) > 1 else {}
        keys = {**{key: key for key in wanted if key in self._first}, **self.images}
        return keys if set(wanted) <= keys.keys() else {}

    def flaw(self, wanted: Sequence[str]) -> str:
        """Return why there are no rows of images, and what to do; nothing where there are.

        Raises:
            DataError: If the list cannot be read.
        """
        first = next(read_lines(self.file), None)
        if first is None:
            return "It has no rows. Write one a pair."
        if not first.problem and not self.columns(wanted):
            there = ", ".join(repr(printable(key)) for key in first.values)
            needed = f"columns {', '.join(wanted)}" if wanted else "two columns of images"
            return f"Its first row, {first.place}, does not have {needed}; it has {there}. Correct it."
        if not first.problem and all(line.problem for line in self.lines()):
            first = next(self.lines())
        return f"{first.place.capitalize()}: {first.problem}" if first.problem else ""


def stands_for_folder(name: str) -> bool:
    """Check whether a file is called like the list of its folder, whatever it ends in, as ``metadata.csv``."""
    stem, ending = os.path.splitext(name.lower())
    return stem in STEMS and ending not in SUFFIXES


def is_list(name: str) -> bool:
    """Check whether a file can be read as a list; Parquet files of other names hold the images themselves."""
    ending = os.path.splitext(name.lower())[1]
    return ending in ENDINGS or (ending == ".parquet" and stands_for_folder(name))


def read_lines(file: Path) -> Iterator[Line]:
    """Read the rows, counted from 1; of a table without the head. Keys are stripped.

    Raises:
        DataError: If the list is of another kind than its name says, or of one that is not read.
    """
    match file.suffix.lower():
        case ".parquet":
            yield from _parquet(file)
            return
        case ".csv" | ".tsv":
            read = _table
        case ".json" | ".jsonl" | ".ndjson":
            read = _json
        case ending:
            raise DataError(f"{file} is a list that ends in {ending!r}. Save it as .csv or .jsonl, or move it away.")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from read(stream)
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}. A list is UTF-8, JSON or CSV. Save it anew.") from None


def _is_image_name(value: object) -> bool:
    return isinstance(value, str) and os.path.splitext(value.strip())[1].lower() in SUFFIXES


def _json(stream: TextIO) -> Iterator[Line]:
    """Read JSON lines, or one array of all rows."""
    array = stream.read(80).lstrip().startswith("[")
    stream.seek(0)
    for number, text in enumerate([stream.read()] if array else stream, 1):
        place = f"{'row' if array else 'line'} {number}"
        if not text.strip():
            continue
        try:
            values = safe_json.load(text)
        except ValueError as error:
            yield Line(place, {}, f"this is no JSON ({error}). Correct or delete it.")
            continue
        if array:
            yield from (_line(f"row {row}", item) for row, item in enumerate(values, 1))
        else:
            yield _line(place, values)


def _line(place: str, values: object) -> Line:
    if not isinstance(values, dict):
        return Line(place, {}, "this is no JSON object. Correct or delete it.")
    return Line(place, {key.strip(): value for key, value in values.items()})


def _table(stream: TextIO) -> Iterator[Line]:
    head = stream.readline()
    stream.seek(0)
    separator = next((mark for mark in SEPARATORS if mark in head), ",")
    reader = csv.reader(stream, delimiter=separator)
    keys = [key.strip() for key in next(reader, [])]
    wrong = f"it has more or fewer fields than the head. Quote those with {separator!r}."
    for row in reader:
        if row:
            place = f"line {reader.line_num}"
            yield Line(place, dict(zip(keys, row, strict=True))) if len(row) == len(keys) else Line(place, {}, wrong)


def _parquet(file: Path) -> Iterator[Line]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file) as table:
            rows = (row for batch in table.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield _line(f"row {number}", row)
    except (OSError, ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{file} cannot be read: {reason}.") from error
