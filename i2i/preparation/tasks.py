"""What there is to do: one task an image, for several images that belong together, or for an item that was found."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from i2i.pairs import Item
from i2i.places import is_url
from i2i.preparation.report import Row, Source
from i2i.splits import Split


class Task(NamedTuple):
    """One input, and the stem of its outputs."""

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
    kept: str = ""
    """Where the sources say themselves what is in which split: their folders that say so."""


def stamps_of(task: Task) -> tuple[str, ...]:
    """What changes when the input does: size and time of change, in nanoseconds, of each of its files."""
    if task.item is not None:
        return (hashlib.sha256(json.dumps(task.item.key, sort_keys=True).encode()).hexdigest()[:16],)
    return task.stamps or tuple(stamp_of(file) for file in task.files)


def unread(file: str, name: str, stamp: str = "") -> Source:
    """What is known of a file that is not read.

    Args:
        file: Absolute path, or URL.
        name: What reports call it.
        stamp: Its stamp, where it was listed with it.
    """
    known = stamp or ("" if is_url(file) else stamp_of(file))
    return Source(name=name, bytes=int(known.split()[0]) if known else 0)


def stamp_of(file: str | Path) -> str:
    """Size and time of change, in nanoseconds, of a file of this machine; nothing where it cannot be asked."""
    try:
        status = os.stat(file)
    except OSError:  # reading it will say what is wrong
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
