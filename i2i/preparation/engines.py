"""Work on shards with processes of this machine, or on a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import ModuleType

from i2i.errors import I2iError, UsageError
from i2i.preparation.journal import Journals, add_line
from i2i.preparation.report import Row
from i2i.preparation.request import Request
from i2i.preparation.tasks import Shard, stamps_of
from i2i.preparation.worker import JournaledTask, Worker
from i2i.system import pool
from i2i.system.devices import available_cpus

MAX_CLOSING = 4
"""Shards that may wait for the disk at once; then the workers wait too."""

MAX_RETRIES = 10
"""How often a shard is begun again on a cluster after its worker or node has died."""

SHARDS_PER_CPU = 2
"""Shards that are handed to a cluster ahead of its processors."""

Progress = Callable[[int, int], None]
"""Called with how many inputs are done, and how many there are."""


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
        self.shards: dict[str, Shard] = {}
        """Those that are not complete, by their identity."""
        self.lines: dict[str, dict[int, bytes]] = {}
        """For each of them, number of a task -> line about it, as far as it is done and not yet written."""
        self.left: dict[str, list[int]] = {}
        """For each of them, the numbers of the tasks that are to be done."""
        for shard in shards:
            rows = journals.resume(shard)
            self.resumed += len(rows)
            if len(rows) < len(shard.tasks) or not journals.complete(shard).is_file():
                self.shards[shard.identity] = shard
                self.lines[shard.identity] = {number: row.to_line() for number, row in rows.items()}
                self.left[shard.identity] = [number for number in range(len(shard.tasks)) if number not in rows]

    def tasks(self) -> Iterator[JournaledTask]:
        """Yield what is left to do, each in the journal of its shard."""
        for identity, shard in self.shards.items():
            journal = self.journals.part(shard)
            yield from (JournaledTask(shard.tasks[n], journal, identity, n) for n in self.left[identity])


def work_through(backlog: Backlog, request: Request, workers: int | None, on_progress: Progress) -> None:
    """Do what is left to do with processes of this machine, and complete each shard.

    Args:
        backlog: What is left to do.
        request: What is asked for.
        workers: How many processes; as many as there are cores when not given.
        on_progress: Told how it goes.

    Raises:
        I2iError: If the preparer cannot be constructed, or something cannot be written.
    """
    done = backlog.resumed
    on_progress(done, backlog.total)
    waiting: list[Future[None]] = []
    processes = min(workers or available_cpus(), backlog.total - done)
    with ThreadPoolExecutor(1) as disk, closing(pool.run(Worker, (request,), backlog.tasks(), processes)) as results:

        def close_if_complete(identity: str) -> None:
            """Have the disk take a shard whose tasks are all done, while the workers go on."""
            shard, lines = backlog.shards[identity], backlog.lines[identity]
            if len(lines) == len(shard.tasks):
                waiting.append(disk.submit(backlog.journals.close, shard, [line for _, line in sorted(lines.items())]))
                backlog.lines[identity] = {}
            while len(waiting) > MAX_CLOSING or (waiting and waiting[0].done()):
                waiting.pop(0).result()

        for identity in backlog.shards:
            close_if_complete(identity)
        for job, result in results:
            if isinstance(result, pool.Death):
                result = _lost(job, result)
                add_line(job.journal, result)
            backlog.lines[job.shard][job.number] = result
            close_if_complete(job.shard)
            done += 1
            on_progress(done, backlog.total)
        for future in waiting:
            future.result()


def rehearse(request: Request) -> None:
    """Start a worker that is given nothing to do: it shows whether the preparer can be constructed.

    Raises:
        I2iError: If it cannot.
    """
    for _ in pool.run(Worker, (request,), (), 1):
        pass


def _lost(job: JournaledTask, death: pool.Death) -> bytes:
    return Row(
        name=job.task.name,
        status="rejected",
        reason=death.reason,
        message=f"{job.task.name!r}: {death.message}",
        stamps=stamps_of(job.task),
        group=job.task.group,
    ).to_line()


def work_through_on_ray(backlog: Backlog, request: Request, on_progress: Progress) -> None:
    """Do what is left to do on a cluster, a shard a Ray task; the folder must be shared by all nodes.

    Args:
        backlog: What is left to do.
        request: What is asked for.
        on_progress: Told how it goes, shard by shard.

    Raises:
        UsageError: If Ray is not installed, or there is no cluster at the address.
        I2iError: If the preparer cannot be constructed, or something cannot be written.
    """
    with _connected(request.command.address) as ray:
        remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(do_shard)
        waiting = list(backlog.shards.values())
        running: dict[object, Shard] = {}
        done = backlog.total - sum(len(shard.tasks) for shard in waiting)
        on_progress(done, backlog.total)
        try:
            while waiting or running:
                ahead = SHARDS_PER_CPU * max(int(ray.cluster_resources().get("CPU", 1)), 1)
                while waiting and len(running) < ahead:
                    shard = waiting.pop(0)
                    running[remote.remote(shard, request)] = shard
                ready, _ = ray.wait(list(running), timeout=1.0)
                for reference in ready:
                    _get(ray, reference)
                    done += len(running.pop(reference).tasks)
                    on_progress(done, backlog.total)
        except BaseException:
            for reference in running:
                ray.cancel(reference, force=True)
            raise


def do_shard(shard: Shard, request: Request) -> None:
    """Do one shard, in a process of the pool: a decoder that dies costs one image, and not the Ray worker."""
    backlog = Backlog(Journals(request.dataset, [shard], strays=False), [shard])
    work_through(backlog, request, 1, lambda done, total: None)


def _get(ray: ModuleType, reference: object) -> None:
    try:
        ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, I2iError) else error from error
    except ray.exceptions.RayError as error:
        message = str(error).partition("\n")[0]
        raise I2iError(f"Ray gave a shard up: {message} The same command goes on from here.") from error


@contextmanager
def _connected(address: str | None) -> Iterator[ModuleType]:
    try:
        import ray
    except ModuleNotFoundError:
        raise UsageError("--engine ray needs Ray. Install it: pip install 'i2i-toolkit[cluster]'.") from None
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"There is no Ray cluster at {address!r}: {reason}") from error
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()
