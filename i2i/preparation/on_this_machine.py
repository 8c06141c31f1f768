"""Working through shards with processes of this machine."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple

from i2i.preparation.journal import Entry, Journals, Part
from i2i.preparation.report import Row
from i2i.preparation.shards import Shard
from i2i.preparation.tasks import stamps_of
from i2i.preparation.worker import Job, Settings, build
from i2i.system import pool
from i2i.system.devices import available_cpus

MAX_CLOSING = 4
"""Shards that may wait for the disk at once; then the workers wait too."""

Progress = Callable[[int, int], None]
"""Called with how many inputs are done, and how many there are."""


class Work(NamedTuple):
    """What there is to do, and to go on from."""

    journals: Journals
    shards: Sequence[Shard]
    kept: Sequence[dict[int, bytes]]
    """For each shard, number of a task -> line about it, as far as an earlier run has done it."""
    todo: Sequence[Sequence[int]]
    """For each shard, the numbers of its other tasks."""
    resumed: int
    """How many they are."""
    total: int


def look_up(journals: Journals, shards: Sequence[Shard]) -> Work:
    """What earlier runs have left to do of some shards."""
    open_shards: list[Shard] = []
    kept: list[dict[int, bytes]] = []
    todo: list[list[int]] = []
    resumed = 0
    for shard in shards:
        entries = journals.kept(shard)
        resumed += len(entries)
        if len(entries) < len(shard.tasks) or not journals.complete(shard).is_file():
            open_shards.append(shard)
            kept.append({number: entry.to_line() for number, entry in entries.items()})
            todo.append([number for number in range(len(shard.tasks)) if number not in entries])
    return Work(journals, open_shards, kept, todo, resumed, sum(len(shard.tasks) for shard in shards))


def work_through(work: Work, settings: Settings, workers: int | None, on_progress: Progress) -> None:
    """Do what is left to do of the shards, and complete each.

    Raises:
        I2iError: If the preparer cannot be constructed, or something cannot be written.
    """
    left = sum(map(len, work.todo))
    done, part = work.resumed, Part()
    on_progress(done, work.total)
    processes = min(workers or available_cpus(), left)
    with (
        ThreadPoolExecutor(1) as disk,
        closing(pool.run(build, (settings,), _jobs(work), left, processes)) as results,
    ):
        closing_shards: list[Future[None]] = []
        for number, todo in enumerate(work.todo):
            if not todo:
                _close(work, number, disk, closing_shards)
        for job, result in results:
            if isinstance(result, pool.Death):
                result = _lost(job, result)
                part.add(job.journal, result)
            lines = work.kept[job.shard]
            lines[job.number] = result
            if len(lines) == len(work.shards[job.shard].tasks):
                _close(work, job.shard, disk, closing_shards)
            done += 1
            on_progress(done, work.total)
        for future in closing_shards:
            future.result()
    part.close()


def rehearse(settings: Settings) -> None:
    """Start a worker that is given nothing to do: it shows whether the preparer can be constructed.

    Raises:
        I2iError: If it cannot.
    """
    for _ in pool.run(build, (settings,), iter(()), 0, 1):
        pass


def _jobs(work: Work) -> Iterator[Job]:
    for number, shard in enumerate(work.shards):
        journal = work.journals.part(shard)
        for place in work.todo[number]:
            yield Job(shard.tasks[place], journal, number, place)


def _close(work: Work, number: int, disk: ThreadPoolExecutor, waiting: list[Future[None]]) -> None:
    """Have the disk take a shard whose tasks are all done, while the workers go on."""
    lines = [line for _, line in sorted(work.kept[number].items())]
    waiting.append(disk.submit(work.journals.close, work.shards[number], lines))
    work.kept[number].clear()
    while len(waiting) > MAX_CLOSING or (waiting and waiting[0].done()):
        waiting.pop(0).result()


def _lost(job: Job, death: pool.Death) -> bytes:
    message = f"{job.task.name!r}: {death.message}"
    row = Row(name=job.task.name, status="rejected", reason=death.reason, message=message, group=job.task.group)
    return Entry(stem=job.task.stem, stamps=stamps_of(job.task), row=row).to_line()
