"""``i2i push`` and ``i2i pull``."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from i2i_hub.publishing import Assemble, Push

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
    from i2i.cli.console import visible
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
    from i2i.cli.console import visible
    from i2i_hub import pull as hub

    names = hub.pull(repository, folder, revision)
    if not quiet:
        typer.echo(f"{len(names)} files in {visible(str(folder))}")
        typer.echo(f"Next: i2i translate {visible(shlex.quote(str(folder)))} IMAGES... --out RESULTS")
