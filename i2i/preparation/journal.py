"""The journal: what is done already, so that an interrupted preparation goes on where it stopped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple, Self

from pydantic import ValidationError

from i2i.files import cannot_write, write_atomically
from i2i.preparation.inputs import Task
from i2i.preparation.report import Row


class Entry(NamedTuple):
    """What a task was when it was done, and what came of it."""

    stem: str
    stamps: list[list[int]]
    """Size in bytes and time of change in nanoseconds of each of its files."""
    row: Row

    def to_line(self) -> bytes:
        """The entry as a line of JSON."""
        data = {"stem": self.stem, "stamps": self.stamps, "row": self.row.model_dump(mode="json")}
        return json.dumps(data).encode() + b"\n"


def entry_of(task: Task, row: Row) -> Entry:
    """The entry about a task that has just been done."""
    return Entry(task.stem, stamps_of(task), row)


def stamps_of(task: Task) -> list[list[int]]:
    """What `Entry.stamps` would be now."""
    return [_stamp(file) for file in task.files]


def _stamp(file: Path) -> list[int]:
    try:
        status = file.stat()
    except OSError:  # reading it will say what is wrong
        return []
    return [status.st_size, status.st_mtime_ns]


class Journal:
    """A file of entries, one a line; a line that a kill cut off counts as never written.

    Args:
        path: The file; made where it is missing.
        tasks: What there is to do, by name. Entries about anything else, or about files that have changed, are dropped.
        outputs: Folder of the outputs; an entry whose outputs are not all there is dropped.
    """

    def __init__(self, path: Path, tasks: Mapping[str, Task], outputs: Path) -> None:
        entries = [entry for entry in _read(path) if _holds(entry, tasks, outputs)]
        self.rows = [entry.row for entry in entries]
        write_atomically(path, b"".join(entry.to_line() for entry in entries))
        self.path = path
        self._file: IO[bytes] = path.open("ab")

    def add(self, entry: Entry) -> None:
        """Add an entry.

        Raises:
            OutputError: If the disk is full.
        """
        line = entry.to_line()
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise cannot_write(self.path, error, len(line)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _read(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    entries = {}
    for line in path.read_bytes().splitlines():
        try:
            data = json.loads(line)
            row = Row.model_validate(data["row"])
        except (ValueError, KeyError, ValidationError):
            continue
        entries[row.name] = Entry(data["stem"], data["stamps"], row)
    return list(entries.values())


def _holds(entry: Entry, tasks: Mapping[str, Task], outputs: Path) -> bool:
    task = tasks.get(entry.row.name)
    return (
        task is not None
        and task.stem == entry.stem
        and stamps_of(task) == entry.stamps
        and all((outputs / output.file).is_file() for output in entry.row.outputs)
    )
