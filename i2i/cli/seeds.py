"""Runs of several seeds, on the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from i2i.cli.console import raise_on_sigterm, shown, stoppable

if TYPE_CHECKING:
    from i2i.training.seeds import Seeds


def train_seeds(seeds: str, given: dict[str, Any], quiet: bool) -> None:
    """Train under each seed, show what came of it, and leave with an exit code that is not 0 where one failed."""
    from i2i import api

    console = Console(highlight=False, quiet=quiet)

    def say(text: str) -> None:
        console.print(shown(text), soft_wrap=True)

    with stoppable("All runs are saved. The same command goes on."), raise_on_sigterm():
        found = api.train_seeds(seeds, **given, on_progress=say)
    console.print(table(found))
    say(f"Runs and seeds.json: {Path(given['out'])}")
    if found.exit_code:
        say("The same command goes on with those that failed, once their cause is mended.")
        raise typer.Exit(found.exit_code)


def table(found: "Seeds") -> Table:
    """Lay out the figures of the model that each run kept, their mean and their spread."""
    shown_runs = [run for run in found.runs if not run.exit_code]
    built = Table("figure", "mean", "spread", *(f"seed {run.seed}" for run in shown_runs))
    for name, of_all in found.figures.items():
        of_each = [f"{run.figures[name]:.4g}" if name in run.figures else "" for run in shown_runs]
        spread = "" if of_all.spread is None else f"{of_all.spread:.2g}"
        built.add_row(shown(name), f"{of_all.mean:.4g}", spread, *of_each)
    built.add_row("kept step", "", "", *(str(run.step) for run in shown_runs))
    return built
