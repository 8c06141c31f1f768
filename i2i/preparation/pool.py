"""A pool of worker processes in which a worker may die: the task that killed it is known, and nothing else is lost.

`concurrent.futures.ProcessPoolExecutor` breaks as a whole when one process dies, and does not say on which task.
"""

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, TypeVar

from i2i.errors import I2iError

T = TypeVar("T")
R = TypeVar("R")

MAX_SECONDS = 600.0
"""Longest time for one task. Nothing sensible takes as long; a decoder that hangs takes for ever."""

MAX_MEMORY = 8 * 2**30
"""Bytes that one worker may allocate: a decoder that runs wild fails on its file instead of taking all memory."""

READY = "ready"
ATTEMPTS = 2  # the killer for want of memory takes any process, whoever caused the want


class Death(NamedTuple):
    """What took a worker away."""

    reason: str
    """``crashed`` or ``timed-out``."""
    message: str


class _Worker(Generic[T]):
    def __init__(self, build: Callable[..., Any], arguments: Sequence[Any]) -> None:
        context = get_context("spawn")  # a fork would inherit the locks of whatever threads torch has
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()  # so that the worker's death ends the connection
        self.task: T | None = None
        self.since = time.monotonic()
        with suppress(OSError):  # it died already; the first answer will say so
            self.connection.send((build, arguments))

    def give(self, task: T) -> None:
        self.task = task
        self.since = time.monotonic()
        with suppress(OSError):
            self.connection.send(task)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def run(
    build: Callable[..., Callable[[T], R]],
    arguments: Sequence[Any],
    tasks: Iterable[T],
    workers: int,
    *,
    max_seconds: float = MAX_SECONDS,
) -> Generator[tuple[T, R | Death]]:
    """Do tasks in processes and yield each with its result, as they come.

    Args:
        build: Makes, once in each worker, the function that does a task; what it needs is imported there.
        arguments: Arguments of ``build``.
        tasks: Taken one by one, as workers become free.
        workers: How many processes.
        max_seconds: Longest time for one task.

    Raises:
        I2iError: If ``build`` or a task raises one: nothing else can be done either.
    """
    waiting = iter(tasks)
    again: deque[T] = deque()
    died: set[T] = set()
    pool = [_Worker[T](build, arguments) for _ in range(workers)]
    try:
        while pool:
            for worker in _answering(pool, max_seconds):
                answer = _answer(worker, max_seconds)
                if isinstance(answer, Death):
                    task = worker.task
                    pool.remove(worker)
                    worker.kill()
                    if task is None:
                        raise I2iError(f"A worker process died as it started: {answer.message} {GUARD}")
                    pool.append(_Worker[T](build, arguments))
                    if answer.reason == "crashed" and task not in died:
                        died.add(task)
                        again.append(task)
                    else:
                        yield task, answer
                    continue
                if worker.task is not None:
                    task, worker.task = worker.task, None
                    yield task, answer
                following = again.popleft() if again else next(waiting, None)
                if following is not None:
                    worker.give(following)
                else:
                    pool.remove(worker)
                    worker.connection.close()
                    worker.process.join()
    finally:
        for worker in pool:
            worker.kill()


GUARD = "A script that prepares images needs `if __name__ == '__main__':` around its calls."


def _answering(pool: list[Any], max_seconds: float) -> list[Any]:
    """Workers that have answered, died, or taken too long."""
    now = time.monotonic()
    oldest = min(worker.since for worker in pool)
    ready = wait([worker.connection for worker in pool], timeout=max(oldest + max_seconds - now, 0.01))
    late = time.monotonic() - max_seconds
    return [worker for worker in pool if worker.connection in ready or worker.since < late]


def _answer(worker: _Worker[Any], max_seconds: float) -> Any:
    if not worker.connection.poll():
        return Death("timed-out", f"It took longer than {max_seconds:g} seconds.")
    try:
        answer = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return Death("crashed", f"It made its process end with {_name_of(worker.process.exitcode or 0)}.")
    if isinstance(answer, I2iError):
        raise answer
    return answer


def _name_of(exit_code: int) -> str:
    if exit_code < 0:
        with suppress(ValueError):
            return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


def _serve(connection: Connection) -> None:
    """The life of a worker: build, then one task after the other until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    _limit()
    with suppress(EOFError, OSError):  # the main process is gone
        build, arguments = connection.recv()
        try:
            work = build(*arguments)
        except I2iError as error:
            connection.send(error)
            return
        connection.send(READY)
        while True:
            task = connection.recv()
            try:
                result = work(task)
            except I2iError as error:
                result = error
            connection.send(result)


def _limit() -> None:
    """One thread, bounded memory, no core dumps."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = MAX_MEMORY if hard == resource.RLIM_INFINITY else min(MAX_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
