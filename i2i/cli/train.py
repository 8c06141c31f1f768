"""``i2i train``."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from i2i.cli.completion import completer
from i2i.cli.flags import Precision
from i2i.errors import UsageError
from i2i.system.importing import importing_torch

NOTHING = "No step was made. Run the same command again."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    context: typer.Context,
    plugin: Annotated[
        str | None, typer.Option(help="Recipe to train, such as pix2pix.", autocompletion=completer("recipe"))
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Dataset folder, as `i2i prepare` makes it; or an address, such as hf://USER/NAME."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; made anew.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings, such as a run's config.yaml.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="small, for a CPU and some minutes; fast, for a GPU; paper; or one that the recipe brings."),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option(help="PART=COMPONENT, such as generator=encoder-decoder.", autocompletion=completer("--use")),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="SECTION.OPTION=VALUE, such as generator.depth=7.", autocompletion=completer("--set")
        ),
    ] = None,
    plugin_file: Annotated[
        list[Path] | None, typer.Option(help="FILE.py with hooks, used as a plugin in this run; may be repeated.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="Run or model to begin with, also USER/NAME: its weights, and its settings unless given."),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Length of the run in epochs.")] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run in steps; overrules --epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs in a batch.")] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Of what the networks see (data.crop): height and width in one number, or HEIGHTxWIDTH."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of initial weights, order, augmentation and dropout.")] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Train under each of these, such as 0..4, beside each other, in --out/seed-0 and so on."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read images.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = None,
    precision: Precision = None,
    compile_: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Compile networks, and say what it costs and when it pays."),
    ] = None,
    nproc: Annotated[
        int | None, typer.Option(help="Processes that train together, each on a GPU of its own.", min=1)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but warnings.")] = False,
) -> None:
    """Train a translator on a folder of pairs.

    Settings come from the recipe's paper, then --preset, --config, --use and --set, then the flags; the run's
    config.yaml has them all. Ctrl-C saves everything: go on with --resume.
    """
    given = {name.rstrip("_"): value for name, value in locals().items() if value is not None}
    debug = given.pop("context").find_root().params.get("debug", False)
    count = given.pop("nproc", 1)
    if seeds is not None:
        if count > 1:
            raise UsageError("--seeds and --nproc were given. Give one: the first has processes for runs of their own.")
        from i2i.cli.seeds import train_seeds

        train_seeds(given.pop("seeds"), given, given.pop("quiet"))
        return
    if count > 1:
        raise typer.Exit(_launched(count, given, debug=debug))
    with importing_torch():
        from i2i import api
        from i2i.cli.console import complain, raise_on_sigterm, shown, stoppable
        from i2i.cli.training_progress import TrainingProgress
        from i2i.system.rank import speaks
        from i2i.training import InterruptedRunError

    try:
        with stoppable(NOTHING), raise_on_sigterm(), TrainingProgress(quiet or not speaks()) as progress:
            outcome = api.train(**given, reporter=progress)
    except InterruptedRunError as stopped:
        complain(str(stopped), "yellow")
        raise typer.Exit(stopped.exit_code) from None

    def say(text: str) -> None:
        progress.console.print(shown(text), soft_wrap=True)

    folder = shlex.quote(str(outcome.folder))
    say(f"\nDone: {outcome.words}, in {outcome.folder}")
    if outcome.early:
        say(f"To go on: i2i train --resume {folder} --set training.patience=N, or null")
    elif outcome.step == outcome.begun:
        say(f"Nothing was left to do. For more: i2i train --resume {folder} --steps N, or --epochs N")
    if outcome.best is not None:
        say(f"Best model: step {outcome.best['step']}, in {outcome.folder / 'model'}")
    say(f"Samples: {outcome.folder / 'samples'}")
    if (report := outcome.folder / "report.html").is_file():
        say(f"Report: {report}")
    say(f"Next: i2i translate {folder} IMAGES --out DIR")


def _launched(count: int, given: Mapping[str, Any], *, debug: bool) -> int:
    """Train in several processes; returns the exit code."""
    from i2i.cli.launching import launch, words_of
    from i2i.system.rank import this_rank

    if not this_rank().alone:
        raise UsageError("--nproc was given, and torchrun has started the processes already. Leave --nproc away.")
    folder = given.get("resume") or given.get("out")
    going_on = f"Go on with: i2i train --nproc {count} --resume {shlex.quote(str(folder))}"
    return launch(count, [*words_of({"debug": debug}), "train", *words_of(given)], going_on)
