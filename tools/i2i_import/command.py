"""The command line of ``i2i import``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from i2i.errors import UsageError


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="The generator's file, or a folder with what was saved last.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder; made anew.")],
    back: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a CycleGAN the generator of the way back, latest_net_G_B.pth."),
    ] = None,
    discriminator: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The discriminator's file, latest_net_D.pth.")
    ] = None,
    discriminator_back: Annotated[
        Path | None, typer.Option(metavar="FILE", help="That of the way back, latest_net_D_B.pth.")
    ] = None,
    direction: Annotated[
        Literal["AtoB", "BtoA"] | None, typer.Option(help="Of its training.", show_default="AtoB")
    ] = None,
    dropout: Annotated[
        bool | None,
        typer.Option(
            "--dropout/--no-dropout",
            help="Whether a U-Net was trained with it.",
            show_default="dropout, of a CycleGAN no dropout",
        ),
    ] = None,
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None,
        typer.Option(help="How the model translates unless told otherwise.", show_default="paper"),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Height and width of its training images.", min=1, show_default="by the network"),
    ] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="Write a checkpoint: give a model, then the files to make.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Turn a checkpoint of pytorch-CycleGAN-and-pix2pix into a model, or back with --reverse.

    The model translates, and `i2i train --init` begins with it. Nothing in the checkpoint is run.
    """
    from rich.console import Console

    from i2i.cli.console import complain, shown
    from i2i_import.exporting import export_checkpoint
    from i2i_import.importing import import_checkpoint

    files = {"back": back, "discriminator": discriminator, "discriminator_back": discriminator_back}
    if reverse:
        given = {"--direction": direction, "--dropout": dropout, "--mode": mode, "--size": size}
        if said := [flag for flag, value in given.items() if value is not None]:
            raise UsageError(f"{said[0]} says how to read a checkpoint, and --reverse writes one. Leave it away.")
        converted = export_checkpoint(source, destination, **files)
    else:
        converted = import_checkpoint(
            source,
            destination,
            **files,
            direction=direction or "AtoB",
            dropout=dropout,
            mode=mode or "paper",
            size=size,
        )
    console = Console(quiet=quiet, highlight=False, soft_wrap=True)
    for network in converted.networks:
        console.print(shown(network))
    for note in converted.notes:
        complain(f"Note: {note}", "yellow")
    console.print(f"Written: {shown(str(destination))}")
