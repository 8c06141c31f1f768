"""The command line of ``i2i runs``."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, a row for each run.")]


def list_(
    folder: Annotated[Path, typer.Argument(help="Where runs are looked for.", show_default="this folder")] = Path(),
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List the runs in a folder and below it, the newest first: what was trained on what, how far, how good."""
    from i2i.cli.console import complain
    from i2i_runs.reading import read_all
    from i2i_runs.showing import print_list, print_rows

    runs, wrong = read_all(folder)
    if csv or json:
        print_rows(runs, {}, as_csv=csv)
    else:
        print_list(runs, folder)
    for error in wrong:
        complain(f"Error: {error}", "red")
    if wrong:
        raise typer.Exit(wrong[0].exit_code)


def show(run: Annotated[Path, typer.Argument(help="Folder of a run.")], json: Json = False) -> None:
    """Show one run: what it trains, how far it is, its figures over the steps, and what to type next."""
    from i2i_runs.reading import read
    from i2i_runs.showing import print_rows, print_run

    found = read(run)
    if json:
        print_rows([found], None, as_csv=False)
    else:
        print_run(found)


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    csv: Csv = False,
    json: Json = False,
    png: Annotated[
        Path | None, typer.Option(help="Picture to write: the same images as each run makes them, side by side.")
    ] = None,
) -> None:
    """Compare runs: the settings that differ, those alone, and what came of them."""
    from rich.console import Console

    from i2i.cli.console import shown
    from i2i_runs.differing import differences
    from i2i_runs.reading import read
    from i2i_runs.showing import print_comparison, print_rows

    found = [read(run) for run in runs]
    settings = differences(found)
    if csv or json:
        print_rows(found, settings, as_csv=csv)
    else:
        print_comparison(found, settings)
    if png is not None:
        from i2i_runs.picture import write_picture

        write_picture(found, png)
        Console(stderr=True, highlight=False).print(f"Written: {shown(str(png))}", soft_wrap=True)
