"""The dataset doctor: what is in a dataset, what is wrong with it, and what to do about it."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i data check``, ``show`` and ``stats``."""
    from i2i.cli.groups import group_of
    from i2i_doctor import commands

    for command in (commands.check, commands.show, commands.stats):
        group_of(app, "data").command()(command)
