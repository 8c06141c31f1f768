"""``i2i demo``: the whole path on bundled images, from pictures to a trained translator."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add the command."""
    from i2i_demo.command import demo

    app.command()(demo)
