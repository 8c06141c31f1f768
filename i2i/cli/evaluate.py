"""``i2i evaluate``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from i2i.cli.completion import completer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help="Runs and models, each perhaps as NAME=MODEL; or USER/NAME.")
    ],
    data: Annotated[str | None, typer.Option(help="Dataset folder or address; that of the run if not said.")] = None,
    split: Annotated[str, typer.Option(help="Part of the dataset to measure on.")] = "test",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page, tables and pictures; nothing is written if not said.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="What to measure; may be repeated; all is every metric.", autocompletion=completer("metric")),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="METRIC.OPTION=VALUE, or dataset.OPTION=VALUE, such as dataset.direction=BtoA."),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="File of weights for the --metric that takes one.")] = None,
    judge: Annotated[str | None, typer.Option(help="Judge of `i2i judge train`, for --metric fcn-score.")] = None,
    mask: Annotated[str | None, typer.Option(help="Field whose classes, or bright part, are measured besides.")] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Results for each image; from 2 on, how much they vary is measured.")
    ] = 1,
    to: Annotated[str | None, typer.Option(help="Field to make, as in `i2i translate`.")] = None,
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None, typer.Option(help="As in `i2i translate`.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Of all images: one number, or HEIGHTxWIDTH. The model's own if not said.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Items at most, spread evenly over the split.")] = None,
    seed: Annotated[int, typer.Option(help="Of the models' noise.")] = 0,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Measure real, blurred and mean images beside.")
    ] = True,
    plugin_file: Annotated[
        list[Path] | None, typer.Option(help="FILE.py that a model or a metric needs; may be repeated.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Measure how good models are, beside real images and blurred ones, and compare them.

    Every figure has its spread. Several models are measured on the same images: what tells them apart is said in words.
    """
    from rich.console import Console

    from i2i.api import evaluate as measure
    from i2i.cli.console import complain, shown, warn_of_problems
    from i2i.cli.evaluation import show
    from i2i.cli.progress import WorkProgress
    from i2i.kinds import COMPONENTS

    with WorkProgress("measuring", silent=quiet) as progress:
        found = measure(
            models,
            data,
            out,
            split=split,
            to=to,
            metric=metric or (),
            set=set_,
            weights=weights,
            judge=judge,
            mask=mask,
            samples=samples,
            mode=mode,
            size=size,
            limit=limit,
            seed=seed,
            references=references,
            plugin_file=plugin_file,
            device=device,
            on_progress=progress,
        )
    warn_of_problems(COMPONENTS)
    console = Console(quiet=quiet, highlight=False)
    show(found, console)
    for note in found.notes:
        complain(note, "yellow")
    if out is not None:
        console.print(f"Written into {shown(str(out))}: look at {shown(str(out / 'index.html'))}", soft_wrap=True)
