"""The journals, by which an interrupted preparation resumes: what is done already, one row of the report a line.

A shard in work has journals ``SHARD.RUN.part``, to which each worker adds a line when it has made a pair. When all of a
shard is done, its files are made durable, and all its lines go into ``SHARD.jsonl``, in the order of the tasks. So a
kill costs each worker the pair in its hands, and a power cut costs at most the shards in work, whose files are compared
with their checksums before they count.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from i2i.images.discovery import without_suffix
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.report import Row
from i2i.preparation.tasks import Shard, Task, stamps_of
from i2i.system.files import cannot_write, make_folder, sha256_of, sync_files, write_atomically


class Journals:
    """The journals of all shards of a dataset.

    Args:
        dataset: Whose they are.
        shards: All shards of the dataset, or those that matter.
        strays: Whether ``shards`` are all, so that what else lies there is of inputs that have changed since.
    """

    def __init__(self, dataset: DatasetFolder, shards: Sequence[Shard], *, strays: bool = True) -> None:
        folder = self.folder = dataset.journals
        self.outputs = dataset.outputs
        make_folder(folder)
        self._run = os.urandom(4).hex()
        self._parts: defaultdict[str, list[Path]] = defaultdict(list)
        self._strays: dict[str, Row] = {}
        known = {shard.identity for shard in shards}
        for name in sorted(os.listdir(folder)):
            identity = name.partition(".")[0]
            if identity not in known:
                if strays:  # most of the pairs are of inputs that have not changed
                    self._strays |= {row.name: row for row in read_journal(folder / name)}
            elif name.endswith(".part"):
                self._parts[identity].append(folder / name)

    def resume(self, shard: Shard) -> Mapping[int, Row]:
        """Return what earlier runs have done of a shard and is still there: number of the task -> row."""
        complete = self.complete(shard)
        if complete.is_file():
            rows = self._valid(shard, read_journal(complete), checksums=False)
            if len(rows) == len(shard.tasks):
                return rows
            # no other process may take the shard for complete while what is lost is made again
            part = self.part(shard)
            with suppress(FileNotFoundError):  # another rank has finished the dataset and removes the journals
                complete.replace(part)
            self._parts[shard.identity].append(part)
        found = {row.name: row for part in self._parts[shard.identity] for row in read_journal(part)}
        strays = [self._strays[task.name] for task in shard.tasks if task.name in self._strays]
        return self._valid(shard, [*strays, *found.values()], checksums=True)

    def _valid(self, shard: Shard, rows: Iterable[Row], *, checksums: bool) -> dict[int, Row]:
        """Return the rows that are about what the tasks of a shard are now, and whose outputs are there."""
        numbers = {task.name: number for number, task in enumerate(shard.tasks)}
        return {
            numbers[row.name]: row
            for row in rows
            if row.name in numbers and self._holds(row, shard.tasks[numbers[row.name]], checksums=checksums)
        }

    def _holds(self, row: Row, task: Task, *, checksums: bool) -> bool:
        if stamps_of(task) != row.stamps or row.group != task.group:
            return False
        for output in row.outputs:
            path = self.outputs / output.file
            try:
                there = path.is_file() and (not checksums or sha256_of(path) == output.sha256)
            except OSError:
                there = False
            if not there or without_suffix(path.name) != task.stem:
                return False
        return True

    def complete(self, shard: Shard) -> Path:
        """Return the journal of a shard of which all is done."""
        return self.folder / f"{shard.identity}.jsonl"

    def part(self, shard: Shard) -> Path:
        """Return this run's journal of a shard in work."""
        return self.folder / f"{shard.identity}.{self._run}.part"

    def close(self, shard: Shard, lines: Sequence[bytes]) -> None:
        """Make what was made durable, and then say that all of a shard is done.

        Args:
            shard: The shard.
            lines: A row for each of its tasks.

        Raises:
            OutputError: If the disk is full.
        """
        rows = (Row.model_validate_json(line) for line in lines)
        sync_files(self.outputs, (self.outputs / output.file for row in rows for output in row.outputs))
        write_atomically(self.complete(shard), b"".join(lines))
        for part in [*self._parts.pop(shard.identity, ()), self.part(shard)]:
            part.unlink(missing_ok=True)

    def rows(self, shards: Sequence[Shard]) -> Iterator[Row]:
        """Yield what became of every task of complete shards, by name."""
        for shard in shards:
            yield from read_journal(self.complete(shard))


def add_line(path: Path, line: bytes) -> None:
    """Add a line to a journal.

    Raises:
        OutputError: If the disk is full.
    """
    try:
        with path.open("ab") as file:
            # a line that a kill cut off ends before this one begins; one write is never mixed with another worker's
            file.write(b"\n" + line)
    except OSError as error:
        raise cannot_write(path, error, len(line)) from error


def read_journal(path: Path) -> list[Row]:
    """Read the rows of a journal; a line that a kill cut off counts as never written."""
    rows = []
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:  # another process has just completed the shard
        return []
    for line in lines:
        try:
            rows.append(Row.model_validate_json(line))
        except ValidationError:
            continue
    return rows
