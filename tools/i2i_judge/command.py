"""The command line of ``i2i judge train``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

AGAIN = "Run the same command again: it goes on where it was."


def train(
    data: Annotated[str, typer.Option(help="The translator's dataset: class ids -> photographs.")],
    out: Annotated[Path, typer.Option(help="Folder of the judge; one that was begun is gone on with.")],
    seeds: Annotated[int, typer.Option(help="Segmenters to train, each from a seed of its own.", min=1)] = 3,
    size: Annotated[str, typer.Option(help="That it looks at: one number, or HEIGHTxWIDTH.")] = "128",
    steps: Annotated[int | None, typer.Option(help="Length of each training.", show_default="1000")] = None,
    epochs: Annotated[int | None, typer.Option(help="The same, in visits to every photograph.")] = None,
    direction: Annotated[
        str, typer.Option(help="Of the translator: AtoB where A is the class ids, BtoA where B is.")
    ] = "AtoB",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="SECTION.OPTION=VALUE; of the dataset as for the translator, such as dataset.source_classes=12.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read images.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but warnings and the result.")] = False,
) -> None:
    """Train a judge: segmenters that find class ids in real photographs, for the metric fcn-score.

    Everything is the translator's own dataset, with the direction turned round here. Ctrl-C saves everything; the same
    command goes on.
    """
    from rich.console import Console

    from i2i.cli.console import complain, raise_on_sigterm, shown, stoppable
    from i2i.cli.training_progress import TrainingProgress
    from i2i.training import InterruptedRunError
    from i2i_judge.table import table_of
    from i2i_judge.training import train_judge

    flags = {"steps": steps, "epochs": epochs, "workers": workers, "device": device}
    try:
        with stoppable(AGAIN), raise_on_sigterm(), TrainingProgress(quiet) as progress:
            judge = train_judge(
                *(data, out),
                seeds=seeds,
                size=size,
                direction=direction,
                said=set_ or (),
                flags={name: value for name, value in flags.items() if value is not None},
                reporter=progress,
            )
    except InterruptedRunError as stopped:
        complain(f"{str(stopped).partition('. ')[0]}. {AGAIN}", "yellow")
        raise typer.Exit(stopped.exit_code) from None
    console = Console(highlight=False)
    console.print(table_of(judge))
    console.print(shown(f"Next: i2i evaluate RUN --metric fcn-score --judge {shlex.quote(str(out))}"), soft_wrap=True)
