"""Progress on the terminal: a live bar, or plain lines where there is no terminal."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

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
from rich.table import Table
from rich.text import Text

from i2i.cli.console import complain, shown
from i2i.reporting import Reporter

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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


class TrainingProgress(Reporter):
    """Reports a run on the terminal.

    Args:
        quiet: Say nothing but warnings.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Console(highlight=False, quiet=quiet)
        self._bar = Progress(
            TextColumn("step"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", style="dim"),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Show what is about to run."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(overflow="fold")  # nothing of a long path is left out
        for name, value in facts.items():
            table.add_row(shown(name), shown(value))
        self.console.print(table)
        self._bar.update(self._task, completed=done, total=total)
        self._total = total
        self._bar.start()

    def advanced(self, row: Mapping[str, Any]) -> None:
        """Show the losses of the newest step."""
        losses = "  ".join(f"{name} {value:.3f}" for name, value in row.items() if "/" in name)
        self._bar.update(self._task, completed=row["step"], description=shown(losses))
        if not self.console.is_terminal and time.monotonic() - self._said > PLAIN_EVERY:
            self._said = time.monotonic()
            self.console.print(f"step {row['step']}/{self._total}  {shown(losses)}", soft_wrap=True)

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Show how near the fakes are to their targets."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.console.print(f"[bold]validation[/] step {step}  {shown(text)}{'  [green]best so far[/]' if best else ''}")

    def warned(self, text: str) -> None:
        """Show something that is worth knowing."""
        complain(f"Warning: {text}", "yellow")
