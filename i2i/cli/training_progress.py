"""How a training run goes, on the terminal: one line that fits it, or plain lines where there is no terminal."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.table import Table
from rich.text import Text

from i2i.cli.console import complain, shown
from i2i.pace import Pace, rate_in_words, time_in_words
from i2i.system.text import visible
from i2i.training.reporting import Reporter

PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal
BAR = 40  # cells, at most
GAP = "  "


class TrainingProgress(Reporter):
    """Reports a run on the terminal.

    Args:
        quiet: Say nothing but warnings.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Console(highlight=False, quiet=quiet)
        self._bar = Progress(
            _Line(self), console=self.console, disable=quiet or not self.console.is_terminal, refresh_per_second=4
        )
        self._task = self._bar.add_task("", total=None)
        self._step = self._total = 0
        self._scalars: dict[str, float | None] = {}
        self._pace, self._said = Pace(), -PLAIN_EVERY

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
        self._step, self._total = done, total
        self._bar.start()

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the losses and figures of the newest step."""
        self._step = rows[-1]["step"]
        self._scalars = {name: value for name, value in rows[-1].items() if "/" in name}
        self._pace.advance(self._step)
        if not self.console.is_terminal and time.monotonic() - self._said >= PLAIN_EVERY:
            self._said = time.monotonic()
            self.console.print(self.line(), soft_wrap=True)

    def line(self, width: int | None = None) -> Text:
        """Return how far it is: step, rate and time left, then as many losses as fit, then a bar where there is room.

        Args:
            width: Cells that there are; any number when not given.
        """
        pace = [rate_in_words(self._pace.rate)] if self._pace.rate else []
        left = self._pace.left(self._total)
        when = [f"{time_in_words(left)} left"] if left is not None and self._step < self._total else []
        line = Text(GAP.join([f"step {self._step}/{self._total}", *pace, *when]), no_wrap=True)
        network = ""
        for name, value in self._scalars.items():
            owner, _, term = visible(name).partition("/")
            figure = f"{term} not finite" if value is None else f"{term} {value:.3g}"
            words = f" {figure}" if owner == network else f"{GAP}{owner} {figure}"
            if width is not None and line.cell_len + len(words) > width:
                break
            network = owner
            line.append(words, style="dim")
        room = (width or 0) - line.cell_len - len(GAP)
        if self._total and room >= 10:
            cells = min(room, BAR)
            filled = round(cells * self._step / self._total)
            line.append(GAP).append("━" * filled, style="bar.complete").append("━" * (cells - filled), style="bar.back")
        return line

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Show how near the fakes are to their targets."""
        text = GAP.join(f"{name} {value:.4g}" for name, value in figures.items())
        self.console.print(f"[bold]validation[/] step {step}  {shown(text)}{'  [green]best so far[/]' if best else ''}")

    def warned(self, text: str) -> None:
        """Show something that is worth knowing."""
        complain(f"Warning: {text}", "yellow")


class _Line(ProgressColumn):
    """All of the line, as wide as the terminal."""

    def __init__(self, progress: TrainingProgress) -> None:
        super().__init__()
        self._progress = progress

    def render(self, task: Task) -> Text:
        return self._progress.line(self._progress.console.width)
