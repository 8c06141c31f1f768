"""Judges: segmenters that learn from real photographs what generated ones are to be recognized by."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i judge train``."""
    from i2i_judge.command import train

    judge = typer.Typer(help="Train judges of generated photographs, for the metric fcn-score.", no_args_is_help=True)
    judge.command()(train)
    judge.callback()(_group)  # a group it stays, with one command
    app.add_typer(judge, name="judge")


def _group() -> None:
    pass
