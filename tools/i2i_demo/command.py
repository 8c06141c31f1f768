"""The command line of the demo."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that it makes.")] = Path("i2i-demo"),
    steps: Annotated[
        int | None, typer.Option(help="Length of the training.", min=1, show_default="some minutes")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Learn to draw faces from their edges: prepare, train, translate, a report to look at and a page to draw on.

    Takes under four minutes on a CPU with two cores, and downloads nothing. Interrupted, the same command goes on where
    it stopped.
    """
    from rich.console import Console

    from i2i.cli.console import complain, shown
    from i2i.errors import UsageError
    from i2i_demo.pipeline import run, write_page
    from i2i_demo.report import write_report

    console = Console(quiet=quiet, highlight=False, soft_wrap=True)
    story = run(out, steps, console)
    made = list(write_report(story, out))
    try:
        made.append(write_page(out))
    except UsageError as lack:
        complain(f"No page to draw on was made. {lack}", "yellow")
    console.print(f"\n[bold green]Done[/] in {story.seconds:.0f} s. Look at:")
    for path in made:
        console.print(f"  [bold]{shown(str(path))}[/]")
    console.print("Now with photos of your own: [bold]i2i prepare edges PHOTOS my-edges[/]")
