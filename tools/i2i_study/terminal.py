"""A score on the terminal."""

from rich.console import Console
from rich.table import Table

from i2i.cli.console import shown
from i2i.errors import things
from i2i_study.scoring import Estimate, Score


def print_score(score: Score) -> None:
    """Print a score as tables 4 and 5 of the paper have it, with what has to be known to read it."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=f"Study {score.study}: fakes taken for real", title_justify="left", box=None, pad_edge=False)
    table.add_column("model")
    for heading in ("% fooled", "95 %", "raters", "trials"):
        table.add_column(heading, justify="right")
    for row in score.models:
        table.add_row(shown(row.model), _value(row.fooled), _range(row.fooled), f"{row.raters}", f"{row.trials:,}")
    console.print(table)
    for pair in score.differences:
        first, second, points = shown(pair.first), shown(pair.second), pair.difference
        more = "more" if points.percent >= 0 else "less"
        told = "" if points.low > 0 or points.high < 0 else " Which of them fools more cannot be told."
        console.print(f"{first} fools {abs(points.percent):.1f} points {more} than {second} ({_range(points)}).{told}")
    console.print("± is the standard deviation of the resamples, as in the paper. Guessing gives 50 %.")
    for row in score.models:
        if row.raters == 1:
            console.print(f"{shown(row.model)} has one rater: its interval says nothing about other people.")
    if score.images_off:
        off = f"{score.images_off} of {things(score.images_shown, 'image')}"
        console.print(f"{off} missed their one second by more than 0.1 s: slow devices, or a window that was left.")


def _value(estimate: Estimate) -> str:
    return f"{estimate.percent:.1f} ± {estimate.deviation:.1f}"


def _range(estimate: Estimate) -> str:
    return f"{estimate.low:.1f} to {estimate.high:.1f}"
