"""What there is to do: a task for each input, and shards, which are runs of tasks that one process does."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i.pairs import Item
from i2i.places import is_url
from i2i.preparation.report import Row, Source
from i2i.splits import Split

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
    licence: str = ""
    attribution: str = ""
    terms: str = ""
    remarks: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
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


def share(shards: Sequence[Shard], rank: int, world_size: int) -> list[Shard]:
    """Return every ``world_size``-th shard, from number ``rank`` on."""
    return list(shards[rank::world_size])


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
