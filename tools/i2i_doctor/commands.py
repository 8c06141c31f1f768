"""``i2i data check``, ``show`` and ``stats``: what is in a dataset, and what is wrong with it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from i2i.cli.console import stoppable
from i2i.errors import DataError, UsageError, things

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Dataset folder, or whatever else `i2i train` reads.")]
Direction = Annotated[Literal["AtoB", "BtoA"], typer.Option(help="Whether A is the source, or the target.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes that read images; 0 for none besides this one.", min=0, show_default="all cores"),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="dataset.OPTION=VALUE as for `i2i train`, such as dataset.source_range=[0,4095]."),
]
Use = Annotated[
    list[str] | None, typer.Option("--use", help="dataset=unpaired where images are no pairs, as for `i2i train`.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def check(
    dataset: Dataset,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page, check.html, and check.json.", show_default="NAME-check")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="List of the labels that label maps may hold: .json, .yaml, .csv or .txt.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column of the label maps.", show_default="the source")
    ] = None,
    generator: Annotated[
        list[str] | None,
        typer.Option(help="Generator to ask about sizes, such as unet or unet,depth=7.", show_default="all"),
    ] = None,
    direction: Direction = "AtoB",
    set_: Set = None,
    use: Use = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look into 200 pairs of each split only; no checksums.")
    ] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a dataset before it is trained on, and write a page about it.

    Exit code 65 if training would fail, lose something, or measure what it was trained on.
    """
    from i2i.cli.progress import WorkProgress
    from i2i.images.label_list import read_labels
    from i2i_doctor.examination import examine
    from i2i_doctor.page import write_page
    from i2i_doctor.terminal import print_examination

    declared = read_labels(labels) if labels else ()
    with stoppable("Nothing was written."), WorkProgress("checking", silent=as_json) as bar:
        examination = examine(
            dataset,
            labels=declared,
            label_column=label_column,
            generators=generator or (),
            options=_options(direction, set_),
            reader=_reader(use),
            quick=quick,
            workers=workers,
            on_progress=bar,
        )
    page = write_page(examination, out or Path(f"{Path(dataset).resolve().name}-check"))
    if as_json:
        typer.echo(json.dumps(examination.to_dict(), indent=2))
    else:
        print_examination(bar.console, examination, page)
    if errors := examination.counts["error"]:
        what = "One thing" if errors == 1 else f"{errors} things"
        raise DataError(f"{what} must be mended before training. The page shows them: {page}")


def show(
    dataset: Dataset,
    split: Annotated[str, typer.Option(help="Which split.")] = "train",
    number: Annotated[int, typer.Option(help="Pairs on the sheet.", min=1)] = 8,
    direction: Direction = "AtoB",
    set_: Set = None,
    use: Use = None,
    out: Annotated[Path | None, typer.Option(help="The picture to write.", show_default="NAME-SPLIT.png")] = None,
) -> None:
    """Draw a contact sheet of pairs, source on the left and target on the right, as training reads them.

    With dataset.colours=lab: the lightness on the left, and on the right what it has to become, in colour.
    """
    from i2i import images
    from i2i.system.files import make_folder
    from i2i_doctor.sheet import sheet_of

    sheet = sheet_of(dataset, split, number, _options(direction, set_), _reader(use))
    path = out or Path(f"{Path(dataset).resolve().name}-{split}.png")
    make_folder(path.parent)
    images.write(path, sheet.pixels)
    from i2i.system.text import visible

    typer.echo(f"{things(len(sheet.names), 'pair')} in {visible(str(path))}: {visible(', '.join(sheet.names))}")
    for side, top in sheet.tops.items():
        typer.echo(f"Values of the {side} use only a part of their 16 bits: {top} is shown as white.")


def stats(
    dataset: Dataset,
    split: Annotated[str | None, typer.Option(help="Only this split.", show_default="all")] = None,
    set_: Set = None,
    use: Use = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Show sizes, and minimum, maximum, mean and standard deviation of every channel, over all pixels."""
    from i2i.cli.progress import WorkProgress
    from i2i_doctor.examination import statistics_of
    from i2i_doctor.terminal import print_statistics

    with stoppable("Nothing was written."), WorkProgress("reading", silent=as_json) as bar:
        options = _options("AtoB", set_)
        found = statistics_of(
            dataset, split=split, options=options, reader=_reader(use), workers=workers, on_progress=bar
        )
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        print_statistics(bar.console, found)


def _reader(choices: Sequence[str] | None) -> str | None:
    """Return the dataset that was named to read the set; none where none was.

    Raises:
        UsageError: If something else is chosen.
    """
    from i2i.said import parse_choices

    said = parse_choices(choices or ())
    if others := said.keys() - {"dataset"}:
        raise UsageError(f"--use {min(others)}: only the dataset can be chosen here, such as dataset=unpaired.")
    return str(said["dataset"]["name"]) if said else None


def _options(direction: str, assignments: Sequence[str] | None) -> dict[str, Any]:
    """Return the options of the dataset that were typed.

    Raises:
        UsageError: If something else is set.
    """
    from i2i.said import parse_assignments

    said = parse_assignments(assignments or ())
    if others := said.keys() - {"dataset"}:
        raise UsageError(f"--set {min(others)}: only options of the dataset are known here, such as dataset.layout=ab.")
    return {**({"direction": direction} if direction != "AtoB" else {}), **said.get("dataset", {})}
