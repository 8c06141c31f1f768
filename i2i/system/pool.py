"""A pool of worker processes in which a worker may die: the task that killed it is known, and nothing else is lost.

`concurrent.futures.ProcessPoolExecutor` breaks as a whole when one process dies, and does not say on which task.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, TypeVar

from i2i.errors import I2iError
from i2i.system.chatter import own_stderr

T = TypeVar("T")
R = TypeVar("R")

MAX_SECONDS = 600.0
"""Longest time for one task. Nothing sensible takes as long; a decoder that hangs takes for ever."""

MAX_MEMORY = 8 * 2**30
"""Bytes that one worker may allocate: a decoder that runs wild fails on its file instead of taking all memory."""

MAX_START_SECONDS = 600.0
"""Longest time to get ready, which may mean to load a network over a slow net."""

MAX_BATCH = 16
"""Most tasks that a worker is given at once, so that small tasks do not wait for the next."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, as malloc.h numbers them."""

READY = "ready"
ATTEMPTS = 2  # the killer for want of memory takes any process, whoever caused the want


class Death(NamedTuple):
    """What took a worker away."""

    reason: str
    """``crashed`` or ``timed-out``."""
    message: str


class _Attempt(Generic[T]):
    """A task, and how often it was begun."""

    def __init__(self, task: T) -> None:
        self.task = task
        self.deaths = 0


class _Worker(Generic[T]):
    def __init__(self, build: Callable[..., Any], arguments: Sequence[Any]) -> None:
        context = get_context("spawn")  # a fork would inherit the locks of whatever threads torch has
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _deaf():
            self.process.start()
        theirs.close()  # so that the worker's death ends the connection
        self.batch: deque[_Attempt[T]] = deque()
        self._expect(MAX_START_SECONDS)
        self._send((build, arguments))

    def give(self, batch: Sequence[_Attempt[T]], max_seconds: float) -> None:
        self.batch.extend(batch)
        self._expect(max_seconds)
        self._send([attempt.task for attempt in batch])

    def done(self, max_seconds: float) -> T:
        """The task that the worker has just answered to."""
        self._expect(max_seconds)
        return self.batch.popleft().task

    def _expect(self, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self.deadline = time.monotonic() + max_seconds

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # it has died; waiting for the answer will show
            self.connection.send(message)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def run(
    build: Callable[..., Callable[[T], R]],
    arguments: Sequence[Any],
    tasks: Iterator[T],
    count: int,
    workers: int,
    *,
    max_seconds: float = MAX_SECONDS,
) -> Generator[tuple[T, R | Death]]:
    """Do tasks in processes and yield each with its result, as they come.

    Args:
        build: Makes, once in each worker, the function that does a task; what it needs is imported there.
        arguments: Arguments of ``build``.
        tasks: Taken a few at a time, as workers become free.
        count: How many tasks there are.
        workers: How many processes.
        max_seconds: Longest time for one task.

    Raises:
        I2iError: If ``build`` or a task raises one: nothing else can be done either.
    """
    queue = _Queue(tasks, count, workers)
    pool = [_Worker[T](build, arguments) for _ in range(workers)]
    try:
        while pool:
            for worker in _answering(pool):
                answer = _answer(worker)
                if isinstance(answer, Death):
                    pool.remove(worker)
                    worker.kill()
                    if not worker.batch:
                        raise I2iError(f"A worker process died as it started: {answer.message} {GUARD}")
                    pool.append(_Worker[T](build, arguments))
                    if (lost := queue.take_back(worker.batch, answer)) is not None:
                        yield lost, answer
                    continue
                if worker.batch:
                    yield worker.done(max_seconds), answer
                if worker.batch:
                    continue
                if batch := queue.take():
                    worker.give(batch, max_seconds)
                else:
                    pool.remove(worker)
                    worker.kill()
    finally:
        for worker in pool:
            worker.kill()


GUARD = "A script that prepares images needs `if __name__ == '__main__':` around its calls."


class _Queue(Generic[T]):
    """What is still to be done: in batches that become smaller, so that all workers end at about the same time."""

    def __init__(self, tasks: Iterator[T], count: int, workers: int) -> None:
        self._tasks = tasks
        self._left = count
        self._workers = workers
        self._again: deque[_Attempt[T]] = deque()

    def take(self) -> list[_Attempt[T]]:
        """The next batch; nothing when nothing is left."""
        if self._again:  # alone: it may kill its worker again
            return [self._again.popleft()]
        size = min(max(self._left // (4 * self._workers), 1), MAX_BATCH)
        batch = [_Attempt(task) for task in islice(self._tasks, size)]
        self._left -= len(batch)
        return batch

    def take_back(self, batch: deque[_Attempt[T]], death: Death) -> T | None:
        """Take back what a worker was given; the task on which it died, if that is not to be tried again."""
        first = batch.popleft()
        first.deaths += 1
        self._again.extendleft(reversed(batch))
        if death.reason == "crashed" and first.deaths < ATTEMPTS:
            self._again.append(first)
            return None
        return first.task


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


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, not even before they can say so themselves; here it waits meanwhile."""
    if sys.platform == "win32":
        yield
        return
    heard: list[int] = []
    leader = threading.current_thread() is threading.main_thread()
    resource_tracker.ensure_running()  # it lets the signal through again as it starts
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # another thread may still take the signal, and this one would leave a process that is half started
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number)) if leader else None
    try:
        yield
    finally:
        if leader:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if heard:
            signal.raise_signal(signal.SIGINT)


def _serve(connection: Connection) -> None:
    """The life of a worker: build, then one batch after the other until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    own_stderr()
    _limit()
    with suppress(EOFError, OSError):
        build, arguments = connection.recv()
        try:
            work = build(*arguments)
        except I2iError as error:
            connection.send(error)
            return
        connection.send(READY)
        while True:
            for task in connection.recv():
                connection.send(_result(work, task))


def _result(work: Callable[[T], R], task: T) -> R | I2iError:
    try:
        return work(task)
    except I2iError as error:
        return error


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
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Have glibc keep what is freed: images are of one size, and fresh pages for each cost a fifth of the time."""
    with suppress(OSError, AttributeError):  # other C libraries have no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the largest that glibc takes
        mallopt(M_TRIM_THRESHOLD, 256 * 2**20)
