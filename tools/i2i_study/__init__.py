"""``i2i study``: whether people take what models made for real (Isola et al. 2017, section 4.1)."""

import typer

from i2i import hookimpl


@hookimpl
def i2i_commands(app: typer.Typer) -> None:
    """Add ``i2i study make`` and ``i2i study score``."""
    from i2i_study import commands

    study = typer.Typer(
        help="Ask people which image is fake, and count how often they are fooled.", no_args_is_help=True
    )
    for command in (commands.make, commands.score):
        study.command()(command)
    app.add_typer(study, name="study")
