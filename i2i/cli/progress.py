"""How a run goes, on the terminal: a live bar, or plain lines where there is no terminal."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from i2i.reporting import Reporter

PLAIN_EVERY = 30.0  # seconds between lines where there is no terminal


class RateColumn(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """The rate so far, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="cyan")


class TrainingProgress(Reporter):
    """Reports a run on the terminal.

    Args:
        quiet: Say nothing but warnings.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Console(highlight=False, quiet=quiet)
        self.errors = Console(stderr=True, soft_wrap=True, highlight=False)
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
            table.add_row(escape(name), escape(value))
        self.console.print(table)
        self._bar.update(self._task, completed=done, total=total)
        self._total = total
        self._bar.start()

    def advanced(self, row: Mapping[str, Any]) -> None:
        """Show the losses of the newest step."""
        losses = "  ".join(f"{name} {value:.3f}" for name, value in row.items() if "/" in name)
        self._bar.update(self._task, completed=row["step"], description=losses)
        if not self.console.is_terminal and time.monotonic() - self._said > PLAIN_EVERY:
            self._said = time.monotonic()
            self.console.print(f"step {row['step']}/{self._total}  {losses}", soft_wrap=True)

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Show how near the fakes are to their targets."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.console.print(f"[bold]validation[/] step {step}  {text}{'  [green]best so far[/]' if best else ''}")

    def warned(self, text: str) -> None:
        """Show something that is worth knowing."""
        self.errors.print(f"[yellow]Warning: {escape(text)}[/]")
