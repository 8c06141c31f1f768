"""Stopping a run by a signal, so that nothing is lost."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Self

from i2i.errors import I2iError


class InterruptedRunError(I2iError):
    """The run was asked to stop by a signal; everything is saved."""

    exit_code = 75


class StopRequest:
    """Whether SIGINT or SIGTERM came since the context was entered; a second one ends the process at once.

    Outside of the main thread, which alone can catch signals, none comes.

    Args:
        again: Seconds after which another signal is a second one. Where there are several processes, a launcher passes
            on what a terminal or a cluster has sent to all of them already.
    """

    def __init__(self, again: float = 0) -> None:
        self.came, self._at, self._again = False, 0.0, again

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        caught = (signal.SIGINT, signal.SIGTERM) if main else ()
        self._before = {number: signal.signal(number, self._handle) for number in caught}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.came and now - self._at >= self._again:
            os._exit(128 + number)  # the last checkpoint is good: nothing is lost but the steps since
        if not self.came:
            self._at = now
        self.came = True  # no more than that, since a step or a checkpoint may be half done
