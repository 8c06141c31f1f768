"""How a training run goes, on the terminal."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from i2i.cli.console import complain, shown
from i2i.cli.progress import PLAIN_EVERY, RateColumn
from i2i.training.reporting import Reporter


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

    def __exit__(self, *_: object) -> None:
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

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the losses and figures of the newest step."""
        row = rows[-1]
        scalars = "  ".join(
            f"{name} not finite" if value is None else f"{name} {value:.3f}"
            for name, value in row.items()
            if "/" in name
        )
        self._bar.update(self._task, completed=row["step"], description=shown(scalars))
        if not self.console.is_terminal and time.monotonic() - self._said > PLAIN_EVERY:
            self._said = time.monotonic()
            self.console.print(f"step {row['step']}/{self._total}  {shown(scalars)}", soft_wrap=True)

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Show how near the fakes are to their targets."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.console.print(f"[bold]validation[/] step {step}  {shown(text)}{'  [green]best so far[/]' if best else ''}")

    def warned(self, text: str) -> None:
        """Show something that is worth knowing."""
        complain(f"Warning: {text}", "yellow")
