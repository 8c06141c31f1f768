"""``i2i serve``: an HTTP server that translates images."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i serve``."""
    from i2i_serve import command

    app.command()(command.serve)
