"""One walk over all images of a dataset, in worker processes."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from i2i.data.order import spread
from i2i.data.tables.table import Table
from i2i.errors import DataError, MissingInputError
from i2i.images import ImageError
from i2i.images.colour import Gray, luma
from i2i.images.reader import TURNED
from i2i.images.shift import shift_of
from i2i.system import pool
from i2i.system.devices import available_cpus
from i2i_doctor.facts import measure
from i2i_doctor.known import Fault, Known, Lookup, Result
from i2i_doctor.label_maps import Declared, compare, read_ids

LEAST = 64
"""Pixels that pictures have each way whose shift can be told."""

Progress = Callable[[int, int], None]
"""Called with how many pairs are done, and how many there are."""


def walk(
    tables: Mapping[str, Table],
    *,
    workers: int | None = None,
    declared: Declared | None = None,
    rows: int | None = None,
    aligned: int = 0,
    on_progress: Progress | None = None,
) -> Known:
    """Look at every image of every split once.

    Args:
        tables: The splits of the dataset.
        workers: How many processes, as many as there are cores when not given; 0 reads in this one, and a decoder that
            crashes ends it.
        declared: What label maps may hold, where they are checked.
        rows: How many of each split are looked at, evenly spread; all when not given.
        aligned: Pairs of each split whose images are held against each other, evenly spread.
        on_progress: Told how it goes.
    """
    known = Known(tables)
    tasks = [task for split in tables for task in _tasks(known, split, rows, aligned)]
    with closing(_results(tasks, (tables, declared), available_cpus() if workers is None else workers)) as results:
        for done, (task, result) in enumerate(results, 1):
            known.add(task, result)
            if on_progress:
                on_progress(done, len(tasks))
    known.sort()
    return known


def _results(
    tasks: Sequence[Lookup], arguments: tuple[Mapping[str, Table], Declared | None], workers: int
) -> Generator[tuple[Lookup, Result | pool.Death]]:
    if workers:
        return pool.run(reader_of, arguments, tasks, min(workers, len(tasks)))
    look = reader_of(*arguments)
    return ((task, look(task)) for task in tasks)


def _tasks(known: Known, split: str, wanted: int | None, aligned: int) -> Iterator[Lookup]:
    length = len(known.tables[split].names)
    rows = spread(length, length if wanted is None else wanted)
    chosen = {rows[place] for place in spread(len(rows), aligned)}
    return (Lookup(known.splits[split].start + row, split, row, row in chosen) for row in rows)


def reader_of(tables: Mapping[str, Table], declared: Declared | None) -> Callable[[Lookup], Result]:
    """Return what a worker does with a task.

    Args:
        tables: The splits of the dataset.
        declared: What label maps may hold, where they are checked.
    """
    import cv2

    cv2.setNumThreads(1)
    return partial(_look, tables, declared)


def _look(tables: Mapping[str, Table], declared: Declared | None, task: Lookup) -> Result:
    table, done, grays = tables[task.split], Result({}, [], set(), set(), [], [], None), list[Gray]()
    for column in table.columns:
        try:
            picture = table.picture(task.row, column)
            ids = read_ids(table, task.row, column) if declared and declared.column == column else None
        except (DataError, MissingInputError) as error:
            done.faults.append(Fault(task.pair, column, _reason(error), str(error)))
            continue
        done.measures[column] = measure(picture.pixels)
        done.notes.update(picture.notes)
        done.turned.update([column] if TURNED in picture.notes else [])
        if task.aligned and min(picture.pixels.shape[:2]) >= LEAST:
            grays.append(luma(picture.pixels))
        if declared and ids is not None:
            used, strange = compare(ids, declared)
            done.used.extend(used)
            done.strange.extend(strange)
    return done._replace(shift=shift_of(*grays)) if len(grays) == 2 else done


def _reason(error: DataError | MissingInputError) -> str:
    """Return a short code to count by."""
    if isinstance(error, ImageError):
        return error.reason
    return "missing" if isinstance(error, MissingInputError) else "unreadable"
