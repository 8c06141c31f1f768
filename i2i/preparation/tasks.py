"""What there is to do: a task for each input, shards, which are runs of tasks, and what has changed since."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i.errors import UsageError
from i2i.pairs import Finding, Item
from i2i.places import is_url
from i2i.preparation.report import Row, Source, Tally
from i2i.splits import Split
from i2i.system.files import sha256_of

SHARD_SIZE = 256
"""Tasks of a shard: seconds of resizing, minutes of edge detection."""


class Task(NamedTuple):
    """One input: an image, several that belong together, or an item that was found; and the stem of its outputs."""

    name: str
    """Printable, and different from that of every other task."""
    stem: str
    files: tuple[str, ...] = ()
    """Absolute paths, or URLs."""
    file_names: tuple[str, ...] = ()
    """Printable, relative to the sources."""
    stamps: tuple[str, ...] = ()
    """Stamps of the files, where they were listed with them."""
    group: str = ""
    split: Split | None = None
    """Where what is made of it must go."""
    item: Item | None = None
    """What it is made of instead of files."""


class Inputs(NamedTuple):
    """Everything that was found."""

    tasks: list[Task]
    """By name."""
    settled: list[Row]
    """What is skipped or rejected without looking into it, by name."""
    remarks: tuple[str, ...] = ()
    """What the user should know of the sources."""
    finding: Finding = Finding([])
    """What else a preparer says that found them itself."""
    published: str = ""
    """Where the sources say themselves what is in which split: their folders that say so."""


class Shard(NamedTuple):
    """A run of tasks in the order of their names."""

    identity: str
    """Its number and a checksum of what it is about: equal in every process that finds the same inputs."""
    tasks: Sequence[Task]


def cut(tasks: Sequence[Task], size: int = SHARD_SIZE) -> list[Shard]:
    """Cut tasks into shards: a function of the tasks alone."""
    shards = []
    for number, start in enumerate(range(0, len(tasks), size)):
        members = tasks[start : start + size]
        digest = hashlib.sha256("\n".join(f"{task.name}\t{task.stem}" for task in members).encode()).hexdigest()
        shards.append(Shard(f"{number:06}-{digest[:12]}", members))
    return shards


def stamps_of(task: Task) -> tuple[str, ...]:
    """Return what changes when the input does: size and time of change, in nanoseconds, of each of its files."""
    if task.item is not None:
        return (hashlib.sha256(json.dumps(task.item.key, sort_keys=True).encode()).hexdigest()[:16],)
    return task.stamps or tuple(stamp_of(file) for file in task.files)


def unread(file: str, name: str, stamp: str = "") -> Source:
    """Return what is known of a file that is not read.

    Args:
        file: Absolute path, or URL.
        name: What reports call it.
        stamp: Its stamp, where it was listed with it.
    """
    known = stamp or ("" if is_url(file) else stamp_of(file))
    return Source(name=name, bytes=int(known.split()[0]) if known else 0)


def stamp_of(file: str | Path) -> str:
    """Return size and time of change, in nanoseconds, of a file of this machine; nothing where it cannot be asked."""
    try:
        status = os.stat(file)
    except OSError:  # reading it will say what is wrong
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def check_unchanged(folder: Path, rows: Iterable[Row], inputs: Inputs) -> Tally:
    """Validate that a dataset is about the inputs that are there, and return the sums of its report.

    Raises:
        UsageError: If an input is new, gone, or another one.
        DataError: If the report is damaged.
    """
    tally = Tally()
    now: dict[str, Task | None] = {row.name: None for row in inputs.settled if row.status != "skipped"}
    now |= {task.name: task for task in inputs.tasks}
    changed = []
    for row in rows:
        tally.add(row)
        if row.name in now:
            task = now.pop(row.name)
            if task is not None and not _is_same(task, row):
                changed.append(row.name)
        elif row.status != "skipped" or row.sources:  # what was skipped unread may come and go
            changed.append(row.name)
    if changed := [*changed, *now]:
        raise UsageError(
            f"{str(folder)!r} was made from other images: {min(changed)!r} is one of {len(changed)} "
            "new, gone or changed. Give another folder, or start afresh with --overwrite."
        )
    return tally


def _is_same(task: Task, row: Row) -> bool:
    """Return whether nothing speaks for a change; a file whose time of change is another may have the same bytes."""
    stamps = stamps_of(task)
    if stamps == row.stamps:
        return True
    if task.item is not None or not len(task.files) == len(row.sources) == len(row.stamps):
        return False
    return all(
        now == before or _has_bytes(file, now, source)
        for file, now, before, source in zip(task.files, stamps, row.stamps, row.sources, strict=True)
    )


def _has_bytes(file: str, stamp: str, source: Source) -> bool:
    if is_url(file) or int(stamp.split()[0] if stamp else 0) != source.bytes:
        return False
    try:
        return not source.bytes or sha256_of(Path(file)) == source.sha256
    except OSError:
        return False
