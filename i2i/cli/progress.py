"""Progress on the terminal: a live bar, or plain lines where there is no terminal."""

import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from i2i.cli.console import shown

PLAIN_EVERY = 30.0  # seconds between lines where there is no terminal


class RateColumn(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Show the rate so far, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="cyan")


class WorkProgress:
    """Shows how many of how many are done; to be called with both.

    Args:
        what: What is being done.
        silent: Show nothing.
        in_bytes: Whether bytes are counted.
    """

    def __init__(self, what: str, *, silent: bool = False, in_bytes: bool = False) -> None:
        self.console = Console(highlight=False, quiet=silent)
        self._what = what
        self._in_bytes, self._tenth = in_bytes, -1
        counts = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(), RateColumn())
        columns = (TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn())
        self._bar = Progress(*columns, console=self.console, disable=silent or not self.console.is_terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        """Show that so many are done, of so many where that is known."""
        now = time.monotonic()
        if not self._bar.tasks:
            # begins with what an earlier run had done, which says nothing about the speed of this one
            self._task = self._bar.add_task(shown(self._what), total=total, completed=done)
            self._bar.start()
            self._began, self._said, self._before = now, now, done
        self._bar.update(self._task, completed=done, total=total)
        tenth = 10 * done // total if total and self._in_bytes else self._tenth
        if not self.console.is_terminal and (now - self._said > PLAIN_EVERY or tenth > self._tenth):
            self._said, self._tenth = now, tenth
            self._say(done, total, (done - self._before) / max(now - self._began, 1e-9))

    def _say(self, done: int, total: int | None, rate: float) -> None:
        if self._in_bytes:
            of = f" of {total / 1e6:.1f}" if total else ""
            self.console.print(f"{done / 1e6:.1f}{of} MB, {rate / 1e6:.1f} MB/s")
            return
        of = f" of {total}" if total else ""
        left = f", {(total - done) / rate / 60:.0f} min left" if rate and total else ""
        self.console.print(f"{done}{of} done, {rate:.1f}/s{left}")
