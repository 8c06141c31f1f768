"""What a dataset says about its pairs besides their images, and what changes when their images do."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i import safe_json
from i2i.data.tables.folders import FileTable
from i2i.data.tables.table import Table
from i2i.errors import DataError
from i2i.places import is_url
from i2i.preparation.report import place_of, read_rows
from i2i.preparation.tasks import stamp_of
from i2i.prepared import METADATA, REPORT

NOT_KEPT = ("source", "height", "width")
"""Columns that every preparation writes anew, besides those of files."""


class Known(NamedTuple):
    """What is known about a pair."""

    group: str = ""
    metadata: Mapping[str, Any] = {}


def lies_on_a_map(pair: Known) -> bool:
    """Return whether a pair says where on a map it lies, as those of `i2i prepare tiles` do."""
    return {"x", "y"} <= pair.metadata.keys() and not {"bbox", "pixels"}.isdisjoint(pair.metadata)


def known_of(root: str, split: str) -> dict[str, Known]:
    """Read what ``report.jsonl`` and ``metadata.jsonl`` say of a split, by the path of files below the dataset.

    Raises:
        DataError: If either is damaged.
    """
    groups = dict(_groups(Path(root, REPORT)))
    columns = dict(_columns(Path(root, split, METADATA), split))
    return {file: Known(groups.get(file, ""), columns.get(file, {})) for file in {**groups, **columns}}


def file_of(root: str, table: Table, row: int, column: str) -> str:
    """Return the path of an image in the dataset, with ``/`` between its parts; nothing where images are no files."""
    return Path(os.path.relpath(table.file(row, column), root)).as_posix() if isinstance(table, FileTable) else ""


def stamps_of(root: str, table: Table, columns: Sequence[str]) -> Iterator[str]:
    """Yield for each row what changes when its images do: size and time of change of its files, or of all files.

    Of an address it is nothing: what lies there is taken to stay.
    """
    if isinstance(table, FileTable):
        for row in range(len(table.names)):
            yield " ".join(dict.fromkeys(stamp_of(table.file(row, column)) for column in columns))
        return
    whole = "" if is_url(root) else _stamp_of_all(Path(root))
    for _ in table.names:
        yield whole


def _stamp_of_all(root: Path) -> str:
    files = [root] if root.is_file() else sorted(file for file in root.rglob("*") if file.is_file())
    stamps = " ".join(f"{file.relative_to(root).as_posix()} {stamp_of(file)}" for file in files)
    return hashlib.sha256(stamps.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _groups(report: Path) -> Iterator[tuple[str, str]]:
    """Yield file below the dataset -> its group."""
    if not report.is_file():
        return
    for row in read_rows(report):
        if row.group and row.split:
            yield from ((place_of(row, output), row.group) for output in row.outputs)


def _columns(listing: Path, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield file below the dataset -> the columns of its line that are about the pair."""
    if not listing.is_file():
        return
    for number, line in enumerate(listing.read_bytes().splitlines(), 1):
        try:
            values = safe_json.load(line)
        except ValueError:
            raise DataError(f"{listing}, line {number}, is no JSON. Correct or delete it.") from None
        if isinstance(values, dict):
            kept = {key: value for key, value in values.items() if not (key.endswith("file_name") or key in NOT_KEPT)}
            files = [value for key, value in values.items() if key.endswith("file_name") and isinstance(value, str)]
            yield from ((f"{split}/{file}", kept) for file in files)
