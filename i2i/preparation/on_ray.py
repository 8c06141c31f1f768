"""Work on shards on a Ray cluster: one Ray task a shard, done again elsewhere when its worker or node dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from i2i.errors import I2iError, UsageError
from i2i.preparation.journal import Journals
from i2i.preparation.on_this_machine import Backlog, Progress, WorkerArguments, work_through
from i2i.preparation.tasks import Shard

MAX_RETRIES = 10
"""How often a shard is begun again after its worker or node has died."""

SHARDS_PER_CPU = 2
"""Shards that are handed to the cluster ahead of its processors."""


def work_through_on_ray(backlog: Backlog, worker: WorkerArguments, address: str | None, on_progress: Progress) -> None:
    """Do what is left to do, and complete each shard; the folder must be shared by all nodes.

    Args:
        backlog: What is left to do.
        worker: What workers are built with.
        address: Of the cluster; one is started on this machine when not given.
        on_progress: Told how it goes, shard by shard.

    Raises:
        UsageError: If Ray is not installed, or there is no cluster at the address.
        I2iError: If the preparer cannot be constructed, or something cannot be written.
    """
    with _connected(address) as ray:
        remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(_do)
        waiting, journals = list(backlog.shards), backlog.journals
        running: dict[object, Shard] = {}
        done = backlog.total - sum(len(shard.tasks) for shard in waiting)
        on_progress(done, backlog.total)
        try:
            while waiting or running:
                ahead = SHARDS_PER_CPU * max(int(ray.cluster_resources().get("CPU", 1)), 1)
                while waiting and len(running) < ahead:
                    shard = waiting.pop(0)
                    running[remote.remote(journals.folder, journals.outputs, shard, worker)] = shard
                ready, _ = ray.wait(list(running), timeout=1.0)
                for reference in ready:
                    _get(ray, reference)
                    done += len(running.pop(reference).tasks)
                    on_progress(done, backlog.total)
        except BaseException:
            for reference in running:
                ray.cancel(reference, force=True)
            raise


def _get(ray: ModuleType, reference: object) -> None:
    try:
        ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, I2iError) else error from error
    except ray.exceptions.RayError as error:
        message = str(error).partition("\n")[0]
        raise I2iError(f"Ray gave a shard up: {message} The same command goes on from here.") from error


def _do(folder: Path, outputs: Path, shard: Shard, worker: WorkerArguments) -> None:
    """Do one shard, in a process of the pool: a decoder that dies costs one image, and not the Ray worker."""
    backlog = Backlog(Journals(folder, outputs, [shard], strays=False), [shard])
    work_through(backlog, worker, 1, lambda done, total: None)


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
