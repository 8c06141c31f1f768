"""Finishes saves beside the steps of a run, one at a time."""

import threading
from collections.abc import Callable
from typing import Self


class Saver:
    """Does the rest of a save in a thread; what goes wrong there is raised where somebody asks.

    As a context, it waits for what is under way; an error of the context is then the one that is told.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread:
            self._thread.join()

    def start(self, finish: Callable[[], object]) -> None:
        """Begin to finish a save, once the one before is finished.

        Raises:
            I2iError: If the one before could not be.
        """
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(finish,), name="i2i-saver")
        self._thread.start()

    def check(self) -> None:
        """Raise what has gone wrong, if anything has; waits for nothing."""
        if self._thread and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Wait until all is saved.

        Raises:
            I2iError: If it cannot be.
        """
        if self._thread:
            self._thread.join()
            self._thread = None
        if error := self._error:
            self._error = None
            raise error

    def _run(self, finish: Callable[[], object]) -> None:
        try:
            finish()
        except BaseException as error:
            self._error = error
