"""SIGINT and SIGTERM ask for a checkpoint and an orderly end; a second one ends at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody has asked the run to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def handle(self, number: int, _: FrameType | None) -> None:
        """Signal handler: only sets a flag, since a step or a checkpoint may be half done."""
        if self.signal is not None:
            os._exit(128 + number)  # the last checkpoint is good: nothing is lost but the steps since
        self.signal = signal.Signals(number)


class Terminated(KeyboardInterrupt):
    """SIGTERM came where there is nothing to save."""

    exit_code = 128 + signal.SIGTERM


@contextmanager
def raise_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exception, as Python does Ctrl-C, wherever `stop_on_signals` does not hold."""

    def handle(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM for as long as the context lasts, in the main thread; others cannot."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
