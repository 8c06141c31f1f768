"""Shows what an evaluation found."""

import sys
import textwrap
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from i2i.cli.console import shown
from i2i.evaluation.heads import Head, heads_of
from i2i.evaluation.results import Evaluation, Subject
from i2i.system.text import visible

NAME = 18  # characters a line of who was measured
TITLE = 13  # and of a figure's name
BEST, EQUAL = "*", "~"


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the figures as tables no wider than the console, models above references, then what they come to in words.

    Args:
        evaluation: What was found.
        console: Where it goes.
    """
    height, width = evaluation.size
    items = "1 item" if evaluation.count == 1 else f"{evaluation.count:,} items"
    where = f"[bold]{shown(evaluation.data)}[/] ({shown(evaluation.split)})"
    console.print(f"{where}: {items}, {shown(evaluation.field)}, {width}x{height}", soft_wrap=True)
    heads = heads_of(evaluation)
    for table in _tables(evaluation, heads, console):
        console.print(table)
        console.print()
    if any(head.best for head in heads):
        equals = f", {EQUAL} cannot be told apart from it" if any(head.equals for head in heads) else ""
        console.print(f"[dim]{BEST} best model{equals}; ± half of a 95 % interval[/]", soft_wrap=True)
    for sentence in evaluation.sentences:
        console.print(f"[bold]{shown(sentence)}[/]", soft_wrap=True)
    for caution in _cautions(evaluation):
        console.print(f"[yellow]{shown(caution)}[/]", soft_wrap=True)


def _cautions(evaluation: Evaluation) -> Iterator[str]:
    """Yield each caution once, with the figures that it is of."""
    of: dict[str, list[str]] = {}
    for measured in evaluation.measured:
        if measured.caution:
            of.setdefault(measured.caution, []).append(measured.name)
    yield from (f"{', '.join(names)}: {caution}" for caution, names in of.items())


def _tables(evaluation: Evaluation, heads: Sequence[Head], console: Console) -> Iterator[Table]:
    """Yield tables of as many figures each as the console is wide enough for."""
    unlimited = console.options.update_width(sys.maxsize)
    start = 0
    while start < len(heads):
        fitting = [
            end
            for end in range(start + 2, len(heads) + 1)
            if console.measure(_table(evaluation, heads[start:end]), options=unlimited).maximum <= console.width
        ]
        end = max(fitting, default=start + 1)
        yield _table(evaluation, heads[start:end])
        start = end


def _table(evaluation: Evaluation, heads: Sequence[Head]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column(max_width=NAME, overflow="fold")
    for head in heads:
        title = textwrap.wrap(f"{visible(head.name)}\N{NO-BREAK SPACE}{head.arrow}", TITLE)
        table.add_column(Text("\n".join(title).replace("\N{NO-BREAK SPACE}", " ")), no_wrap=True)
    columns = [_cells(evaluation, head) for head in heads]
    models = len(evaluation.models)
    for row, subject in enumerate(evaluation.subjects):
        style = "" if subject.is_model else "dim"
        table.add_row(
            Text(visible(subject.name), style), *(column[row] for column in columns), end_section=row + 1 == models
        )
    return table


def _cells(evaluation: Evaluation, head: Head) -> list[Text]:
    """Return the cells of a column, with the points of all numbers below each other."""
    values = [_short(head, subject) for subject in evaluation.subjects]
    longest = max(len(value) for value in values)
    cells = []
    for subject, value in zip(evaluation.subjects, values, strict=True):
        mark = BEST if subject.name == head.best else EQUAL if subject.name in head.equals else " "
        style = "bold green" if mark == BEST else "" if subject.is_model else "dim"
        half = head.half(subject.figures[head.name]) if head.name in subject.figures else ""
        spread = f" ±{_without_zero(half)}" if half else ""
        cells.append(Text.assemble((f"{mark + value:>{longest + 1}}", style), (spread, "dim")))
    return cells


def _short(head: Head, subject: Subject) -> str:
    figure = subject.figures.get(head.name)
    return _without_zero(head.number(None if figure is None else figure.value))


def _without_zero(number: str) -> str:
    """Write .17 for 0.17, as tables of papers do."""
    return number.replace("0.", ".", 1) if number.startswith(("0.", "-0.")) else number
