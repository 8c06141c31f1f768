"""``i2i data get``: the sets of the pix2pix paper, fetched, checked and ready to train on."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add the command to the group ``data``."""
    from i2i.cli.groups import group_of
    from i2i_datasets.command import get

    group_of(app, "data").command()(get)
