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

MAX_START_SECONDS = 600.0
"""Longest time to get ready, which may mean to load a network over a slow net."""

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
        self._send((build, arguments), MAX_START_SECONDS)

    def give(self, task: T, max_seconds: float) -> None:
        self.task = task
        self._send(task, max_seconds)

    def _send(self, message: Any, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self.deadline = time.monotonic() + max_seconds
        with suppress(OSError):  # it has died; waiting for the answer will show
            self.connection.send(message)

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
            for worker in _answering(pool):
                answer = _answer(worker)
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
                    worker.give(following, max_seconds)
                else:
                    pool.remove(worker)
                    worker.kill()
    finally:
        for worker in pool:
            worker.kill()


GUARD = "A script that prepares images needs `if __name__ == '__main__':` around its calls."


def _answering(pool: list[_Worker[T]]) -> list[_Worker[T]]:
    """Workers that have answered, died, or taken too long."""
    first = min(worker.deadline for worker in pool)
    ready = wait([worker.connection for worker in pool], timeout=max(first - time.monotonic(), 0.01))
    now = time.monotonic()
    return [worker for worker in pool if worker.connection in ready or worker.deadline < now]


def _answer(worker: _Worker[Any]) -> Any:
    if not worker.connection.poll():
        return Death("timed-out", f"It took longer than {worker.max_seconds:g} seconds.")
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
    work: Callable[[Any], Any] | None = None
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        answer: Any = READY
        try:
            if work is None:
                build, arguments = message
                work = build(*arguments)
            else:
                answer = work(message)
        except I2iError as error:
            answer = error
        with suppress(OSError):  # the other end is gone, as receiving will show
            connection.send(answer)


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
