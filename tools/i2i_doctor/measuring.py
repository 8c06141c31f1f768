"""Every image of a dataset looked at once, in worker processes; what is remembered is in `i2i_doctor.facts`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np

from i2i.data.tables.table import Table
from i2i.errors import DataError, MissingInputError
from i2i.images import ImageError
from i2i.images.colour import Gray, luma
from i2i.images.shift import Shift, shift_of
from i2i.system import pool
from i2i_doctor.facts import BINS, FACTS, Aligned, Fault, Place, SplitFacts, facts_of, values_of
from i2i_doctor.idmaps import Declared, undeclared
from i2i_doctor.opening import read_ids

LEAST = 64
"""Pixels that pictures have each way whose shift can be told."""

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""


class Task(NamedTuple):
    """A row of a split."""

    split: str
    row: int
    aligned: bool
    """Whether its images are held against each other."""


class Measured(NamedTuple):
    """What a worker found in a row; in bytes, since arrays take several times as long to send."""

    facts: dict[str, bytes]
    """Column -> an entry of type `i2i_doctor.facts.FACTS`."""
    values: dict[str, bytes]
    """Column -> the histogram of its values; see `i2i_doctor.facts.values_of`."""
    faults: list[Fault]
    notes: list[str]
    used: list[int]
    """Label ids that are declared."""
    strange: list[str]
    """Label values that are not."""
    shift: Shift | None


def build(tables: Mapping[str, Table], declared: Declared | None) -> Callable[[Task], Measured]:
    """What a worker does with a task.

    Args:
        tables: The splits of the dataset.
        declared: What label maps may hold, where they are checked.
    """
    import cv2

    cv2.setNumThreads(1)
    return partial(_measured, tables, declared)


def _measured(tables: Mapping[str, Table], declared: Declared | None, task: Task) -> Measured:
    table, done, grays = tables[task.split], Measured({}, {}, [], [], [], [], None), list[Gray]()
    for column in table.columns:
        try:
            pixels, notes = table.picture(task.row, column)
        except (DataError, MissingInputError) as error:
            done.faults.append(Fault(Place(task.split, task.row, column), reason_of(error), str(error)))
            continue
        done.facts[column], done.values[column] = facts_of(pixels).tobytes(), values_of(pixels).tobytes()
        done.notes.extend(notes)
        if task.aligned and min(pixels.shape[:2]) >= LEAST:
            grays.append(luma(pixels))
        if declared is not None and column == declared.column:
            used, strange = undeclared(read_ids(table, task.row, column), declared)
            done.used.extend(used)
            done.strange.extend(strange)
    return done._replace(shift=shift_of(*grays)) if len(grays) == 2 else done


def reason_of(error: DataError | MissingInputError) -> str:
    """A short code to count by."""
    if isinstance(error, ImageError):
        return error.reason
    return "missing" if isinstance(error, MissingInputError) else "unreadable"


def measure(
    tables: Mapping[str, Table],
    *,
    workers: int,
    declared: Declared | None = None,
    rows: int | None = None,
    aligned: int = 0,
    on_progress: Progress,
) -> dict[str, SplitFacts]:
    """Look at every image of every split.

    Args:
        tables: The splits of the dataset.
        workers: How many processes.
        declared: What label maps may hold, where they are checked.
        rows: How many of each split are looked at, evenly spread; all when not given.
        aligned: Rows of each split whose images are held against each other, evenly spread.
        on_progress: Told how it goes.
    """
    known = {split: _empty(split, table) for split, table in tables.items()}
    tasks = [task for split, table in tables.items() for task in _tasks(split, len(table.names), rows, aligned)]
    processes = min(workers, len(tasks))
    with closing(pool.run(build, (tables, declared), iter(tasks), len(tasks), processes)) as results:
        for done, (task, result) in enumerate(results, 1):
            _add(known[task.split], task, result)
            on_progress(done, len(tasks))
    for facts in known.values():
        facts.sort()  # in the order of the rows, whichever worker was first
    return known


def _empty(split: str, table: Table) -> SplitFacts:
    rows = len(table.names)
    return SplitFacts(
        split=split,
        layout=table.layout,
        names=list(table.names),
        columns=list(table.columns),
        problems=list(table.problems),
        facts={column: np.zeros(rows, FACTS) for column in table.columns},
        values={column: np.zeros(BINS, np.int64) for column in table.columns},
    )


def spread(rows: int, wanted: int) -> list[int]:
    """So many rows, evenly spread over all."""
    wanted = min(rows, wanted)
    return [rows * number // wanted for number in range(wanted)]


def _tasks(split: str, length: int, wanted: int | None, aligned: int) -> Iterator[Task]:
    rows = spread(length, length if wanted is None else wanted)
    chosen = {rows[place] for place in spread(len(rows), aligned)}
    return (Task(split, row, row in chosen) for row in rows)


def _add(known: SplitFacts, task: Task, result: Measured | pool.Death) -> None:
    known.looked_at += 1
    if isinstance(result, pool.Death):
        known.faults.append(Fault(Place(task.split, task.row, ""), result.reason, result.message))
        return
    for column, entry in result.facts.items():
        known.facts[column][task.row] = np.frombuffer(entry, FACTS)[0]
        known.values[column] += np.frombuffer(result.values[column], np.int64)
    known.faults += result.faults
    if result.shift is not None:
        known.shifts.append(Aligned(task.split, task.row, result.shift))
    for note in set(result.notes):
        known.notes.setdefault(note, []).append(task.row)
    for value in result.strange:
        known.strange.setdefault(value, []).append(task.row)
    known.used.update(result.used)
