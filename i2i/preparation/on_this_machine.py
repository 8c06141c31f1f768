"""Work on shards with processes of this machine."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from i2i.preparation.command import Command
from i2i.preparation.journal import Journals, Part
from i2i.preparation.report import Row
from i2i.preparation.tasks import Shard, stamps_of
from i2i.preparation.worker import JournaledTask, Worker
from i2i.system import pool
from i2i.system.devices import available_cpus

MAX_CLOSING = 4
"""Shards that may wait for the disk at once; then the workers wait too."""

Progress = Callable[[int, int], None]
"""Called with how many inputs are done, and how many there are."""

WorkerArguments = tuple[Command, type[Any], Path, Sequence[str]]
"""What `Worker` is built with."""


class Backlog:
    """What earlier runs have left to do of some shards.

    Args:
        journals: Of the dataset.
        shards: Those that are to be done.
    """

    def __init__(self, journals: Journals, shards: Sequence[Shard]) -> None:
        self.journals = journals
        self.total = sum(len(shard.tasks) for shard in shards)
        self.resumed = 0
        """Tasks that are done."""
        self.shards: list[Shard] = []
        """Those that are not complete."""
        self.lines: list[dict[int, bytes]] = []
        """For each of them, number of a task -> line about it, as far as it is done and not yet written."""
        self.left: list[list[int]] = []
        """For each of them, the numbers of the tasks that are to be done."""
        for shard in shards:
            rows = journals.resume(shard)
            self.resumed += len(rows)
            if len(rows) < len(shard.tasks) or not journals.complete(shard).is_file():
                self.shards.append(shard)
                self.lines.append({number: row.to_line() for number, row in rows.items()})
                self.left.append([number for number in range(len(shard.tasks)) if number not in rows])

    def jobs(self) -> Iterator[JournaledTask]:
        """Yield what is left to do."""
        for place, shard in enumerate(self.shards):
            journal = self.journals.part(shard)
            yield from (JournaledTask(shard.tasks[number], journal, place, number) for number in self.left[place])


def work_through(backlog: Backlog, worker: WorkerArguments, workers: int | None, on_progress: Progress) -> None:
    """Do what is left to do, and complete each shard.

    Raises:
        I2iError: If the preparer cannot be constructed, or something cannot be written.
    """
    done, part = backlog.resumed, Part()
    on_progress(done, backlog.total)
    processes = min(workers or available_cpus(), sum(map(len, backlog.left)))
    with ThreadPoolExecutor(1) as disk, closing(pool.run(Worker, worker, backlog.jobs(), processes)) as results:
        waiting: list[Future[None]] = []
        for place in range(len(backlog.shards)):
            _close_if_complete(backlog, place, disk, waiting)
        for job, result in results:
            if isinstance(result, pool.Death):
                result = _lost(job, result)
                part.add(job.journal, result)
            backlog.lines[job.shard][job.number] = result
            _close_if_complete(backlog, job.shard, disk, waiting)
            done += 1
            on_progress(done, backlog.total)
        for future in waiting:
            future.result()
    part.close()


def rehearse(worker: WorkerArguments) -> None:
    """Start a worker that is given nothing to do: it shows whether the preparer can be constructed.

    Raises:
        I2iError: If it cannot.
    """
    for _ in pool.run(Worker, worker, (), 1):
        pass


def _close_if_complete(backlog: Backlog, place: int, disk: ThreadPoolExecutor, waiting: list[Future[None]]) -> None:
    """Have the disk take a shard whose tasks are all done, while the workers go on."""
    shard, lines = backlog.shards[place], backlog.lines[place]
    if len(lines) < len(shard.tasks):
        return
    waiting.append(disk.submit(backlog.journals.close, shard, [line for _, line in sorted(lines.items())]))
    backlog.lines[place] = {}
    while len(waiting) > MAX_CLOSING or (waiting and waiting[0].done()):
        waiting.pop(0).result()


def _lost(job: JournaledTask, death: pool.Death) -> bytes:
    return Row(
        name=job.task.name,
        status="rejected",
        reason=death.reason,
        message=f"{job.task.name!r}: {death.message}",
        stamps=stamps_of(job.task),
        group=job.task.group,
    ).to_line()
