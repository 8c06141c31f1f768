"""``i2i runs``: what was trained on what, how far, and how good, read from the folders of runs; free of torch."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i runs list``, ``i2i runs show`` and ``i2i runs compare``."""
    from i2i_runs import commands

    runs = typer.Typer(help="Look at runs: what was trained on what, how far, how good.", no_args_is_help=True)
    for command in (commands.list_, commands.show, commands.compare):
        runs.command(command.__name__.rstrip("_"))(command)
    app.add_typer(runs, name="runs")
