"""The command ``i2i data get``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from i2i_datasets.getting import Got
    from i2i_datasets.sets import ClassicSet


def get(
    name: Annotated[
        str | None, typer.Argument(help="The set; without one, all are listed.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where it goes.", show_default="a folder of its name")
    ] = None,
    *,
    mirror: Annotated[str | None, typer.Option(help="Address of another Hugging Face Hub.", show_default=False)] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Address of a folder that has NAME.tar.gz.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Fetch a classic set of pairs: facades, maps, edges2shoes and others.

    Interrupted, the same command goes on where it stopped.
    """
    from rich.console import Console

    from i2i.cli.console import GOES_ON, stoppable
    from i2i.cli.progress import WorkProgress
    from i2i_datasets.getting import get_set
    from i2i_datasets.sets import classic_set, classic_sets

    console = Console(highlight=False, soft_wrap=True, quiet=quiet)
    if name is None:
        for known, facts in classic_sets().items():
            console.print(f"[bold]{known:<16}[/]{_size(facts):<64}{facts.title}")
        return
    _introduce(console, name, classic_set(name))
    with stoppable(GOES_ON), WorkProgress(name, silent=quiet, in_bytes=True) as download:
        got = get_set(
            name,
            folder or Path(name),
            mirror=mirror,
            base_url=base_url,
            quiet=quiet or not console.is_terminal,
            on_progress=download,
            on_notice=_notice,
        )
    _conclude(console, got)


def _size(facts: "ClassicSet") -> str:
    """How many pairs there are, and how much is fetched."""
    ways = {"hub": "from the Hub", "archive": "as an archive"}
    sizes = [f"{size / 1e6:,.0f} MB {ways[way]}" for way, size in facts.sizes.items()]
    return f"{sum(facts.pairs.values())} pairs, {' or '.join(sizes)}"


def _introduce(console: "Console", name: str, facts: "ClassicSet") -> None:
    """Say what will be fetched, and under which terms."""
    from rich.table import Table

    from i2i.cli.console import shown

    table = Table.grid(padding=(0, 2))
    published = ", ".join(f"{count} {split}" for split, count in facts.pairs.items() if count)
    lines = {
        name: f"{facts.title}: {_size(facts)} (published as {published})",
        "licence": facts.licence or "unknown: none is stated",
        "terms": facts.terms,
        "cite": facts.cite,
    }
    for label, text in lines.items():
        table.add_row(f"[bold]{label}", shown(text))
    console.print(table)


def _conclude(console: "Console", got: "Got") -> None:
    """Say where it is, and what to type next."""
    from i2i.cli.console import shown

    folder, typed = shown(str(got.folder)), shown(shlex.quote(str(got.folder)))
    if not got.fetched:
        console.print(f"{folder} is here already.")
    origin = ", ".join(f"{key} {value}" for key, value in got.card.get("origin", {}).items())
    console.print(f"{folder}: {shown(', '.join(got.splits))} from {shown(origin)}")
    if "val" in got.splits or "validation" in got.splits:
        console.print(f"Next: i2i train --plugin pix2pix --data {typed} --out RUN")
    else:
        divided = shown(shlex.quote(f"{got.folder}-split"))
        console.print(f"It has no split to measure on. Next: i2i prepare split {typed} {divided} --val 0.1")


def _notice(text: str) -> None:
    from i2i.cli.console import complain

    complain(f"Note: {text}", "yellow")
