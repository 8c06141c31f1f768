"""Inputs that are new, gone or changed since a dataset was made of them."""

import hashlib
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import cast

from i2i.errors import UsageError
from i2i.places import is_url
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.listing import remote
from i2i.preparation.report import Row, Tally
from i2i.preparation.tasks import Inputs, Task, stamps_of
from i2i.system.files import sha256_of


def check_unchanged(dataset: DatasetFolder, inputs: Inputs) -> Tally:
    """Validate that a dataset is about the inputs that are there, and return the sums of its report.

    Raises:
        UsageError: If an input is new, gone, or another one.
        DataError: If the report is damaged.
    """
    tally = Tally()
    changed = _changed(dataset.read_report(), inputs, tally)
    if changed:
        raise UsageError(
            f"{str(dataset.folder)!r} was made from other images: {min(changed)!r} is one of {len(changed)} "
            "new, gone or changed. Give another folder, or start afresh with --overwrite."
        )
    return tally


def _changed(rows: Iterable[Row], inputs: Inputs, tally: Tally) -> list[str]:
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
    return [*changed, *now]


def _is_same(task: Task, row: Row) -> bool:
    """Return whether nothing speaks for a change; a file whose time of change is another may have the same bytes."""
    stamps = stamps_of(task)
    if stamps == row.stamps:
        return True
    if task.item is not None or not len(task.files) == len(row.sources) == len(row.stamps):
        return False
    return all(
        now == before or _has_bytes(file, now, source.bytes, source.sha256)
        for file, now, before, source in zip(task.files, stamps, row.stamps, row.sources, strict=True)
    )


def _has_bytes(file: str, stamp: str, size: int, sha256: str) -> bool:
    if int(stamp.split()[0] if stamp else 0) != size:
        return False
    return not size or sha256 == _sha256(file)


def _sha256(file: str) -> str:
    """Return the checksum of a file's bytes; nothing of one that cannot be read."""
    try:
        if not is_url(file):
            return sha256_of(Path(file))
        with remote(file).open("rb") as stream:
            return hashlib.file_digest(cast(BufferedReader, stream), "sha256").hexdigest()
    except Exception:  # every store has errors of its own
        return ""
