"""Worker processes that may die: the task that killed one is known, is timed out or retried, and nothing else is lost.

`concurrent.futures.ProcessPoolExecutor` breaks as a whole when one process dies and does not say on which task; pebble
knows the task, but loses what `build` raises and counts its time as the first task's.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import current_process, get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from typing import Any, Generic, NamedTuple, TypeVar

from i2i.errors import I2iError
from i2i.system.chatter import own_stderr

T = TypeVar("T")
R = TypeVar("R")

MAX_SECONDS = 120.0
"""Longest time for reading one image, wherever images are read: a decoder that hangs takes for ever."""

MAX_START_SECONDS = 600.0
"""Longest time to get ready, which may mean to load a network over a slow net."""

MAX_MEMORY = 8 * 2**30
"""Bytes that one worker may allocate: a decoder that runs wild fails on its file instead of taking all memory."""

AHEAD = 2
"""Tasks that a worker has at once, so that it need not wait for the next."""

ATTEMPTS = 2
"""How often a task is begun that kills its worker: the killer for want of memory takes any process."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, as malloc.h numbers them."""

CONTEXT = get_context("forkserver") if sys.platform == "linux" else get_context("spawn")
"""How processes start. A plain fork would inherit the locks of whatever threads torch has; a server that has none, and
has imported what `build` needs, forks each worker within milliseconds."""

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of workers: libraries read it as they are loaded."""

GUARD = "A script that starts processes needs `if __name__ == '__main__':` around its calls."


def end_if_imported() -> None:
    """End this process without a word where it is a worker that only imports the script that started it.

    A script without that guard would do all of its work again in each worker. The process that waits says so.
    """
    if getattr(current_process(), "_inheriting", False):  # as `multiprocessing` itself knows it
        raise SystemExit(1)


class Death(NamedTuple):
    """What took a worker away."""

    reason: str
    """``crashed`` or ``timed-out``."""
    message: str


READY, DONE, EXTEND, FAILED = range(4)
"""What a worker says, each with a value."""


class _Worker(Generic[T]):
    """A process, and the tasks that it has with the number of their earlier deaths."""

    def __init__(self, build: Callable[..., Any], arguments: Sequence[Any], max_seconds: float) -> None:
        self.connection, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
        with _deaf(), _single_threaded():
            if isinstance(CONTEXT, ForkServerContext):
                CONTEXT.set_forkserver_preload([build.__module__])
            self.process.start()
        theirs.close()  # so that the worker's death ends the connection
        self.tasks: deque[tuple[T, int]] = deque()
        self.max_seconds = max_seconds
        self._expect(MAX_START_SECONDS)
        self._send((dict(os.environ), build, arguments))

    def give(self, task: T, deaths: int) -> None:
        if not self.tasks:
            self._expect(self.max_seconds)
        self.tasks.append((task, deaths))
        self._send(task)

    def answer(self) -> tuple[int, Any]:
        """Receive what the worker says; `FAILED` with a `Death` where something took it away."""
        if not self.connection.poll():
            return FAILED, Death("timed-out", f"It took longer than {self.seconds:g} seconds.")
        try:
            kind, value = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return FAILED, Death("crashed", f"It made its process end with {_name_of(self.process.exitcode or 0)}.")
        self._expect(value if kind == EXTEND else self.max_seconds)
        return kind, value

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _expect(self, seconds: float) -> None:
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # it has died; waiting for the answer will show
            self.connection.send(message)


def run(
    build: Callable[..., Callable[[T], R]],
    arguments: Sequence[Any],
    tasks: Iterable[T],
    workers: int,
    *,
    max_seconds: float = MAX_SECONDS,
) -> Generator[tuple[T, R | Death]]:
    """Do tasks in processes and yield each with its result, as they come; retry once what killed its worker.

    Args:
        build: Makes, once in each worker, the function that does a task; what it needs is imported there.
        arguments: Arguments of ``build``.
        tasks: Taken one at a time, as workers become free.
        workers: How many processes.
        max_seconds: Longest time for one task, unless it calls `extend`.

    Raises:
        I2iError: If ``build`` or a task raises one: nothing else can be done either.
    """
    waiting: deque[tuple[T, int]] = deque()  # taken back from workers that have died
    fresh = iter(tasks)
    pool = [_Worker[T](build, arguments, max_seconds) for _ in range(workers)]
    try:
        while pool:
            for worker in _answering(pool):
                kind, value = worker.answer()
                if kind == EXTEND:
                    continue
                if kind == FAILED:
                    pool.remove(worker)
                    worker.kill()
                    if not isinstance(value, Death):
                        raise value
                    if not worker.tasks:
                        raise I2iError(f"A worker process died as it started: {value.message} {GUARD}")
                    pool.append(_Worker[T](build, arguments, max_seconds))
                    task, deaths = worker.tasks.popleft()
                    waiting.extendleft(reversed(worker.tasks))
                    if value.reason == "crashed" and deaths + 1 < ATTEMPTS:
                        waiting.append((task, deaths + 1))
                    else:
                        yield task, value
                    continue
                if kind == DONE:
                    yield worker.tasks.popleft()[0], value
                while len(worker.tasks) < AHEAD and (more := _next(waiting, fresh)):
                    worker.give(*more)
                if not worker.tasks:
                    pool.remove(worker)
                    worker.kill()
    finally:
        for worker in pool:
            worker.kill()


def _next(waiting: deque[tuple[T, int]], fresh: Iterator[T]) -> tuple[T, int] | None:
    if waiting:
        return waiting.popleft()
    return next(((task, 0) for task in fresh), None)


def _answering(pool: list[_Worker[T]]) -> list[_Worker[T]]:
    """Wait for workers that have answered, died, or taken too long."""
    first = min(worker.deadline for worker in pool)
    ready = wait([worker.connection for worker in pool], timeout=max(first - time.monotonic(), 0.01))
    now = time.monotonic()
    return [worker for worker in pool if worker.connection in ready or worker.deadline < now]


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


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Start processes whose libraries use one thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(THREADS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_supervisor: Connection | None = None
"""In a worker: the way to the process that waits for it."""


def extend(seconds: float = MAX_SECONDS) -> None:
    """Extend the time limit of the task in hand, from within it; without effect where no pool waits for it."""
    if _supervisor is not None:
        _supervisor.send((EXTEND, seconds))


def _serve(connection: Connection) -> None:
    """Live as a worker: build, then do one task after the other until the other end is gone."""
    global _supervisor
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    own_stderr()
    _limit()
    with suppress(EOFError, OSError):
        environment, build, arguments = connection.recv()
        os.environ.update(environment | THREADS)
        try:
            work = build(*arguments)
            _supervisor = connection
            connection.send((READY, None))
            while True:
                connection.send((DONE, work(connection.recv())))
        except I2iError as error:
            connection.send((FAILED, error))


def _limit() -> None:
    """Bound memory, and dump no core."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = MAX_MEMORY if hard == resource.RLIM_INFINITY else min(MAX_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        with suppress(OSError, AttributeError):  # other C libraries have no mallopt
            # keep what is freed: images are of one size, and fresh pages for each cost a fifth of the time
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the largest that glibc takes
            mallopt(M_TRIM_THRESHOLD, 256 * 2**20)
