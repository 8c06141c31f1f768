"""Lists of files: their rows, and which columns name images."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from i2i.errors import DataError
from i2i.images.discovery import SUFFIXES
from i2i.system import safe_json

ENDINGS = (".jsonl", ".json", ".csv")
NAMES = tuple(f"{stem}{ending}" for stem in ("manifest", "metadata") for ending in (*ENDINGS, ".parquet"))
"""What lists are called that stand for a folder. Parquet files of other names hold the images themselves."""
FILE_NAME = "file_name"


class Line(NamedTuple):
    """One row of the list, or what is wrong with it."""

    place: str
    """Such as ``line 3``."""
    values: Mapping[str, Any]
    problem: str = ""


def images_of(file: Path, columns: Sequence[str]) -> dict[str, str]:
    """Column of images -> key of its paths, by the first row; empty unless there are two, or those that are named."""
    first = next((line.values for line in lines_of(file) if not line.problem), {})
    keys = {key.removesuffix(FILE_NAME).removesuffix("_") or "image": key for key in first if key.endswith(FILE_NAME)}
    if not keys:
        keys = {key: key for key, value in first.items() if _is_image_name(value)}
    return keys if (set(columns) <= keys.keys() if columns else len(keys) > 1) else {}


def _is_image_name(value: object) -> bool:
    return isinstance(value, str) and os.path.splitext(value)[1].lower() in SUFFIXES


def lines_of(file: Path) -> Iterator[Line]:
    """The rows, counted from 1; of CSV without the head.

    Raises:
        DataError: If the list is of another kind than its name says.
    """
    if file.suffix == ".parquet":
        yield from _parquet(file)
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from _csv(stream) if file.suffix == ".csv" else _json(stream)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read: {error}. A list is UTF-8, JSON or CSV.") from None


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
    return Line(place, values) if isinstance(values, dict) else Line(place, {}, "this is no JSON object.")


def _csv(stream: TextIO) -> Iterator[Line]:
    reader = csv.DictReader(stream)
    for row in reader:
        wrong = "it has more or fewer fields than the head. Quote those with commas."
        uneven, place = None in row or None in row.values(), f"line {reader.line_num}"
        yield Line(place, {}, wrong) if uneven else Line(place, row)


def _parquet(file: Path) -> Iterator[Line]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(file) as table:
            rows = (row for batch in table.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield Line(f"row {number}", row)
    except (OSError, ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{file} cannot be read: {reason}.") from error
