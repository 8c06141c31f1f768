"""Lists of files: which files are lists, their rows, and which columns name images."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from i2i.data.tables.names import find_pair
from i2i.errors import DataError
from i2i.images.discovery import SUFFIXES
from i2i.system import safe_json

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
"""Lists that are text, one a row."""
STEMS = ("manifest", "metadata")
"""What a list is called that stands for a folder."""
FILE_NAME = "file_name"
SEPARATORS = ",;\t"
"""Of columns, in the order of preference; spreadsheets write semicolons where a comma is in their numbers."""


class Line(NamedTuple):
    """One row of the list, or what is wrong with it."""

    place: str
    """Such as ``line 3``."""
    values: Mapping[str, Any]
    problem: str = ""


def stands_for_folder(name: str) -> bool:
    """Whether a file is called like the list of its folder, whatever it ends in, as ``metadata.csv``."""
    stem, ending = os.path.splitext(name.lower())
    return stem in STEMS and ending not in SUFFIXES


def is_list(name: str) -> bool:
    """Whether a file can be read as a list; Parquet files of other names hold the images themselves."""
    ending = os.path.splitext(name.lower())[1]
    return ending in ENDINGS or (ending == ".parquet" and stands_for_folder(name))


def images_of(file: Path) -> dict[str, str]:
    """Column of images -> key of its paths, by the first row that can be read.

    ``COLUMN_file_name`` holds the paths of COLUMN, and ``file_name`` those of ``image``, as where the datasets library
    reads folders of images. Other keys count where their values are called like image files: beside ``file_name`` the
    one that makes a known pair with it (``conditioning_image``), and all where there is no such key.
    """
    first = next((line.values for line in lines_of(file) if not line.problem), {})
    keys = {key.removesuffix(FILE_NAME).removesuffix("_") or "image": key for key in first if key.endswith(FILE_NAME)}
    if len(keys) > 1:
        return keys
    plain = {key: key for key, value in first.items() if key not in keys.values() and _is_image_name(value)}
    if keys and (pair := find_pair([*keys, *plain])) and not keys.keys().isdisjoint(pair):
        return {column: {**plain, **keys}[column] for column in pair}
    return keys or plain


def columns_of(file: Path, columns: Sequence[str]) -> dict[str, str]:
    """As `images_of`, with any that the user named; none where one is not there, or fewer than two are found.

    Args:
        file: The list.
        columns: Those that the user named, if any.
    """
    keys = images_of(file)
    if not columns:
        return keys if len(keys) > 1 else {}
    first = next((line.values for line in lines_of(file) if not line.problem), {})
    keys = {**{key: key for key in columns if key in first}, **keys}
    return keys if set(columns) <= keys.keys() else {}


def _is_image_name(value: object) -> bool:
    return isinstance(value, str) and os.path.splitext(value.strip())[1].lower() in SUFFIXES


def lines_of(file: Path) -> Iterator[Line]:
    """The rows, counted from 1; of a table without the head. Keys are stripped.

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


def _json(stream: TextIO) -> Iterator[Line]:
    """JSON lines, or one array of all rows."""
    array = stream.read(80).lstrip().startswith("[")
    stream.seek(0)
    if array:
        yield from _array(stream)
        return
    for number, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            yield _json_line(f"line {number}", safe_json.load(text))
        except ValueError as error:
            yield Line(f"line {number}", {}, f"this is no JSON ({error}). Correct or delete it.")


def _array(stream: TextIO) -> Iterator[Line]:
    try:
        rows = safe_json.load(stream.read())
    except ValueError as error:
        yield Line("row 1", {}, f"this is no JSON ({error}). Correct it.")
        return
    for number, values in enumerate(rows, 1):
        yield _json_line(f"row {number}", values)


def _json_line(place: str, values: object) -> Line:
    if not isinstance(values, dict):
        return Line(place, {}, "this is no JSON object.")
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
                yield _json_line(f"row {number}", row)
    except (OSError, ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{file} cannot be read: {reason}.") from error
