"""``i2i import``: checkpoints of pytorch-CycleGAN-and-pix2pix into model folders, and back."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add the command."""
    from i2i_import.command import import_

    app.command("import")(import_)
