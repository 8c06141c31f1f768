"""Shows what an evaluation found."""

from rich.console import Console
from rich.table import Table

from i2i.cli.console import shown
from i2i.evaluation.results import Evaluation, Figure
from i2i.evaluation.words import number


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the figures, each with its spread, and what they come to."""
    table = Table(box=None)
    table.add_column()
    for subject in evaluation.subjects:
        table.add_column(shown(subject.name), justify="right", style="" if subject.is_model else "dim")
    for measured in evaluation.measured:
        row = (subject.figures.get(measured.name) for subject in evaluation.subjects)
        table.add_row(shown(measured.name), *("-" if figure is None else _figure(figure) for figure in row))
    console.print(table)
    for sentence in evaluation.sentences:
        console.print(shown(sentence))


def _figure(figure: Figure) -> str:
    return f"{number(figure.value)} ±{number((figure.high - figure.low) / 2)}"
