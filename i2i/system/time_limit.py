"""A time limit for what this very process does, where no supervisor could end it."""

import os
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class _Helper:
    """A thread that does one thing after the other: to start one for each would cost as much as a small image."""

    def __init__(self) -> None:
        self._works = SimpleQueue[Callable[[], Any] | None]()
        self._answers = SimpleQueue[tuple[Any, BaseException | None]]()
        threading.Thread(target=self._serve, daemon=True).start()

    def do(self, work: Callable[[], T], seconds: float) -> T:
        self._works.put(work)
        try:
            result: T
            result, error = self._answers.get(timeout=seconds)
        except BaseException:  # too late, or Ctrl-C: whatever the work comes to, the thread ends then
            self._works.put(None)
            raise
        _idle.append(self)
        if error is not None:
            raise error
        return result

    def _serve(self) -> None:
        while self._answer(self._works.get()):
            pass  # in a call, so that nothing is held in memory between two works

    def _answer(self, work: Callable[[], Any] | None) -> bool:
        if work is not None:
            try:
                self._answers.put((work(), None))
            except BaseException as error:  # it is raised where the work was asked for
                self._answers.put((None, error))
        return work is not None


_idle: list[_Helper] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do work in a thread, and leave that behind when it takes too long: it goes on in vain, and ends with the process.

    Libraries in C let others run meanwhile. Processes that another one has started work without a thread: `pool` and
    the loader of batches end them when their time is over.

    Args:
        seconds: The limit.
        work: What is done; what it returns is returned, what it raises is raised.

    Raises:
        TimeoutError: If it takes longer.
    """
    if parent_process() is not None:
        return work()
    try:
        helper = _idle.pop()
    except IndexError:
        helper = _Helper()
    try:
        return helper.do(work, seconds)
    except Empty:
        raise TimeoutError(f"longer than {seconds:g} seconds") from None
