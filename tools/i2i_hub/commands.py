"""``i2i push``, ``i2i pull``, ``i2i data push`` and ``i2i data get``."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2i.errors import things

if TYPE_CHECKING:
    from rich.console import Console

    from i2i_hub.getting import Got
    from i2i_hub.publishing import Assemble, Push
    from i2i_hub.sets import ClassicSet

Repository = Annotated[str, typer.Argument(metavar="USER/NAME", help="Name on the Hub.")]
Licence = Annotated[str | None, typer.Option(help="Licence as the Hub spells it, such as apache-2.0; needed once.")]
Private = Annotated[bool, typer.Option("--private", help="For your eyes only; refused where it is public already.")]
Branch = Annotated[str | None, typer.Option(help="Branch to write to; made where it is missing.")]
CreatePr = Annotated[bool, typer.Option("--create-pr", help="Propose the change, instead of making it.")]
Message = Annotated[str | None, typer.Option(help="Title of the commit.")]
DryRun = Annotated[
    Path | None, typer.Option(help="Only write into this folder what would be pushed, and show the card.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")]


def push(
    model: Annotated[Path, typer.Argument(metavar="RUN_OR_MODEL", help="A run's folder, or a model folder.")],
    repository: Repository,
    licence: Licence = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Name on the Hub of a data set that it was trained on; may be repeated.")
    ] = None,
    no_samples: Annotated[bool, typer.Option("--no-samples", help="Publish none of the held-out images.")] = False,
    private: Private = False,
    revision: Branch = None,
    create_pr: CreatePr = False,
    message: Message = None,
    dry_run: DryRun = None,
    quiet: Quiet = False,
) -> None:
    """Publish a model on the Hugging Face Hub, with a card that shows and explains it.

    Log in once by `hf auth login`, or set HF_TOKEN. Everything is checked before anything is sent; all files appear in
    one commit. Pushing again sends what has changed. Of a card that you have edited, only i2i's own part is renewed.
    Of a run, four held-out pairs are published with what the model makes of them, unless --no-samples is given.
    """
    from i2i_hub.models import assemble
    from i2i_hub.publishing import Push

    keys = {key: value for key, value in {"license": licence, "datasets": dataset}.items() if value}
    wish = Push(repository, "model", keys, private, revision, create_pr, message)
    _publish(wish, partial(assemble, model, not no_samples), dry_run, quiet)


def push_data(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset, in any layout that is read.")],
    repository: Repository,
    licence: Licence = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Column to publish; may be repeated. The known pair when not given.")
    ] = None,
    private: Private = False,
    revision: Branch = None,
    create_pr: CreatePr = False,
    message: Message = None,
    dry_run: DryRun = None,
    quiet: Quiet = False,
) -> None:
    """Publish a dataset on the Hugging Face Hub, as Parquet files with a card.

    Images are stored as they are. `i2i train --data hf://USER/NAME` and the datasets library read it. The licence and
    the attribution are those of dataset.yaml unless others are given.
    """
    from i2i_hub.datasets import assemble
    from i2i_hub.publishing import Push

    keys = {"license": licence} if licence else {}
    wish = Push(repository, "dataset", keys, private, revision, create_pr, message)
    _publish(wish, partial(assemble, dataset, column or []), dry_run, quiet)


def _publish(wish: "Push", assemble: "Assemble", folder: Path | None, quiet: bool) -> None:
    """Publish, or in a dry run write into the folder, and say what came of it."""
    from i2i.system.text import visible
    from i2i_hub.card import README
    from i2i_hub.publishing import dry_run, publish

    if folder:
        place, changed, files = str(folder), True, dry_run(wish, assemble, folder)
    else:
        place, changed, files = publish(wish, assemble)
    if quiet:
        return
    if folder:
        typer.echo(visible((folder / README).read_text(encoding="utf-8")))
    for name, size in files.items():
        typer.echo(f"  {visible(name)}  {_amount(size)}")
    typer.echo(visible(place) if changed else f"{visible(place)} has all of this already")


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def pull(
    repository: Repository,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the model; made.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit; the newest when not given.")] = None,
    quiet: Quiet = False,
) -> None:
    """Get a model from the Hugging Face Hub as a model folder.

    Every file is checked against the Hub's checksums. `i2i translate USER/NAME ...` does the same behind the scenes.
    """
    from i2i.system.text import visible
    from i2i_hub import pull as hub

    names = hub.pull(repository, folder, revision)
    if not quiet:
        typer.echo(f"{things(len(names), 'file')} in {visible(str(folder))}")
        typer.echo(f"Next: i2i translate {visible(shlex.quote(str(folder)))} IMAGES... --out RESULTS")


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
    quiet: Quiet = False,
) -> None:
    """Fetch a classic set of pairs: facades, maps, edges2shoes and others.

    Interrupted, the same command goes on where it stopped.
    """
    from rich.console import Console

    from i2i.cli.console import GOES_ON, stoppable
    from i2i.cli.progress import WorkProgress
    from i2i_hub.getting import get_set
    from i2i_hub.sets import classic_set, classic_sets

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
            quiet=quiet,
            on_progress=download,
        )
    _conclude(console, got)


def _size(facts: "ClassicSet") -> str:
    """Say how many pairs there are, and how much is fetched."""
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
    from i2i.splits import our_name

    folder, typed = shown(str(got.folder)), shown(shlex.quote(str(got.folder)))
    if not got.fetched:
        console.print(f"{folder} is here already.")
    origin = ", ".join(f"{key} {value}" for key, value in got.card.get("origin", {}).items())
    console.print(f"{folder}: {shown(', '.join(got.splits))} from {shown(origin)}")
    if "val" in map(our_name, got.splits):
        console.print(f"Next: i2i train --plugin pix2pix --data {typed} --out RUN")
    else:
        divided = shown(shlex.quote(f"{got.folder}-split"))
        console.print(f"It has no split to measure on. Next: i2i prepare split {typed} {divided} --val 0.1")
