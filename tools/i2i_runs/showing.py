"""Shows runs: as tables no wider than the terminal, as CSV, as JSON."""

import csv
import json
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from i2i.choices import as_choice
from i2i.cli.console import shown
from i2i.data.order import spread
from i2i.system.text import visible
from i2i_runs.differing import settings_of
from i2i_runs.reading import Run

VALIDATIONS = 10  # that are shown of one run
KEPT = "*"
WIDEST = 24  # characters a line of a run's name
AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def print_list(runs: Sequence[Run], folder: Path) -> None:
    """Print a line for each run."""
    table = _table("run", "trains", "steps", "figure", "state")
    for column in table.columns[2:]:
        column.no_wrap = True
    for run in runs:
        figure = f"{run.figure} {_number(run.figures[run.figure])}" if run.figure else ""
        place = run.path.relative_to(folder).as_posix() if run.path != folder else run.path.name or str(run.path)
        state = run.state if run.state == "running" else f"{run.state} {_age(run.changed)}"
        what = f"{run.recipe}, {_last(run.data)}"
        table.add_row(*(Text(visible(cell)) for cell in (place, what, _steps(run), figure, state)))
    Console(highlight=False).print(table)


def print_run(run: Run) -> None:
    """Print what one run is, its figures over the steps, and what to type next."""
    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _facts(run):
        table.add_row(name, Text(visible(value)))
    console.print(table)
    if run.validations:
        console.print()
        for part in _parts(_validations(run), console):
            console.print(part)
        console.print(f"[dim]{KEPT} the model that is kept[/]")
    for warning in run.warnings:
        console.print(f"\n[yellow]{shown(warning)}[/]")
    path = shlex.quote(str(run.path))
    go_on = f"i2i train --resume {path}" if run.state == "stopped" else ""
    command = go_on or (f"i2i translate {path} IMAGES --out DIR" if (run.path / "model").is_dir() else "")
    if command:
        console.print(f"\nNext: {shown(command)}", soft_wrap=True)


def print_comparison(runs: Sequence[Run], settings: Mapping[str, Sequence[str]]) -> None:
    """Print a column for each run: the settings that differ, then what came of them.

    Args:
        runs: Columns.
        settings: Name -> that of each run.
    """
    rows = {**settings, **_results(runs)}
    names = ["", *names_of(runs)]
    columns = [list(rows), *([row[place] for row in rows.values()] for place in range(len(runs)))]
    console = Console(highlight=False)
    for number, part in enumerate(_parts(list(zip(names, columns, strict=True)), console, len(settings))):
        if number:
            console.print()
        console.print(part)
    if not settings:
        console.print("[dim]No setting differs.[/]")


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    settings, environment = run.settings, run.environment
    yield "run", str(run.path)
    yield "state", f"{run.state}, step {_steps(run)}, last written {_age(run.changed)} ago"
    yield "recipe", as_choice(settings["recipe"])
    for part, chosen in settings.items():
        if part not in ("recipe", "dataset", "optimizer", "schedule") and _is_chosen(chosen):
            yield part, as_choice(chosen)
    yield "data", run.data
    training, optimizer = settings["training"], settings.get("optimizer", {})
    yield (
        "training",
        (
            f"{settings['data'].get('crop')} px, batches of {training.get('batch_size')}, "
            f"{optimizer.get('name')} {optimizer.get('lr')}, seed {training.get('seed')}"
        ),
    )
    if environment:
        libraries = environment.get("libraries", {})
        where = (environment.get("gpu") or environment.get("cpu"), environment.get("system"))
        yield "environment", ", ".join(map(str, (f"torch {libraries.get('torch')}", *where)))
    if run.kept is not None:
        yield "model", f"step {run.kept:,}" + (f", chosen by {run.figure}" if run.kept in run.validations else "")


def _is_chosen(section: Any) -> bool:
    """Return whether a section says which components serve as a part."""
    entries = section if isinstance(section, list) else [section]
    return bool(entries) and all(isinstance(entry, Mapping) and "name" in entry for entry in entries)


def _validations(run: Run) -> list[tuple[str, list[str]]]:
    steps = sorted(run.validations)
    among = {steps[place] for place in spread(len(steps), VALIDATIONS)}
    chosen = sorted({step for step in steps if step in among or step == run.kept})
    names = dict.fromkeys(name for step in chosen for name in run.validations[step])
    marked = [f"{KEPT} {step:,}" if step == run.kept else f"{step:,}" for step in chosen]
    return [
        ("step", marked),
        *((name, [_number(run.validations[step].get(name)) for step in chosen]) for name in names),
    ]


def _results(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return how far runs are, and their figures."""
    figures = dict.fromkeys(name for run in runs for name in run.figures)
    measured = [f"{run.measured:,}" if run.measured is not None else "" for run in runs]
    return {
        "steps": [_steps(run) for run in runs],
        **({"measured at step": measured} if any(measured) else {}),
        **{name: [_number(run.figures.get(name)) if name in run.figures else "" for run in runs] for name in figures},
    }


def _parts(columns: Sequence[tuple[str, Sequence[str]]], console: Console, end: int = 0) -> Iterator[Table]:
    """Yield tables with the first column and as many of the others as the console is wide enough for, at least one.

    Args:
        columns: Heading and cells.
        console: Where they go.
        end: Rows after which there is a line.
    """
    unlimited = console.options.update_width(sys.maxsize)
    first, rest = columns[0], list(columns[1:])
    while rest:
        fits = [
            count
            for count in range(2, len(rest) + 1)
            if console.measure(_columns([first, *rest[:count]], end), options=unlimited).maximum <= console.width
        ]
        count = max(fits, default=1)
        yield _columns([first, *rest[:count]], end)
        rest = rest[count:]


def _columns(columns: Sequence[tuple[str, Sequence[str]]], end: int) -> Table:
    table = _table(*(heading for heading, _ in columns))
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    for number, row in enumerate(rows, 1):
        table.add_row(*(Text(visible(cell)) for cell in row), end_section=number == end and end < len(rows))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for heading in headings:
        lines = [heading[start : start + WIDEST] for start in range(0, len(heading), WIDEST)]
        table.add_column(Text(visible("\n".join(lines))), overflow="fold")
    return table


def print_rows(runs: Sequence[Run], settings: Mapping[str, Sequence[str]] | None, *, as_csv: bool) -> None:
    """Print runs for other programs: CSV with a row for each run, or JSON.

    Args:
        runs: Rows.
        settings: Name -> that of each run; all of them when not given.
        as_csv: Whether CSV is asked for.
    """
    said = [
        settings_of(run) if settings is None else {name: row[place] for name, row in settings.items()}
        for place, run in enumerate(runs)
    ]
    known = [
        {
            "run": str(run.path),
            "recipe": run.recipe,
            "data": run.data,
            "state": run.state,
            "step": run.step,
            "total": run.total,
            "measured": run.measured,
        }
        for run in runs
    ]
    if not as_csv:
        found = [
            {**row, "figures": run.figures, "validations": run.validations, "settings": of_run}
            for row, run, of_run in zip(known, runs, said, strict=True)
        ]
        print(json.dumps(found, indent=2))
        return
    flat = [{**row, **run.figures, **of_run} for row, run, of_run in zip(known, runs, said, strict=True)]
    text = StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in flat for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    print(text.getvalue(), end="")


def names_of(runs: Sequence[Run]) -> list[str]:
    """Return the shortest ends of the runs' paths that tell them apart."""
    paths = [run.path.absolute().parts for run in runs]
    lengths = range(1, max(map(len, paths), default=1) + 1)
    short = ([Path(*parts[-length:]).as_posix() for parts in paths] for length in lengths)
    return next((names for names in short if len({*names}) == len({*paths})), [str(run.path) for run in runs])


def _steps(run: Run) -> str:
    return f"{run.step:,}" if run.total in (None, run.step) else f"{run.step:,}/{run.total:,}"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"


def _age(changed: float) -> str:
    seconds = max(0.0, time.time() - changed)
    size, unit = next(((size, unit) for size, unit in AGES if seconds >= size), AGES[-1])
    return f"{seconds / size:.0f} {unit}"


def _last(place: str) -> str:
    """Return the last part of a path or an address."""
    return place.rstrip("/").rpartition("/")[2] or place
