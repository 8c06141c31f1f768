"""``i2i translate``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from i2i.cli.flags import MaxPixels
from i2i.errors import DataError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(translate)


def translate(
    model: Annotated[str, typer.Argument(help="Model folder, a run's folder, or USER/NAME on the Hub.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images, and folders of images.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; names are those of the inputs.")],
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None,
        typer.Option(help="Dropout on (paper) or off; batch norm by each image, or by running averages (running)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the noise in mode paper.")] = 0,
    format: Annotated[
        Literal["auto", "png", "tif", "npy"],
        typer.Option(help="How results are stored; auto is PNG where that holds them, TIFF for a declared range."),
    ] = "auto",
    max_pixels: MaxPixels = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model on the Hub.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Translate images of any size with a trained model.

    The model says how: nothing of its training has to be repeated here. Results are stored losslessly, with the bit
    depth of the training's targets.
    """
    from rich.console import Console
    from rich.progress import track

    from i2i import images
    from i2i.cli.console import complain, stopped, warn_of_problems
    from i2i.plugins import COMPONENTS
    from i2i.translation import Translator
    from i2i.translation.folder import Translated, plan, translate_files

    console = Console(quiet=quiet, highlight=False)
    translator = Translator.load(model, revision=revision, device=device, mode=mode, seed=seed)
    planned = plan(inputs, out, [column.name for column in translator.config.source.columns])
    if not planned:
        raise DataError("There is no image among the inputs. Give images, or folders that hold some.")
    warn_of_problems(COMPONENTS)
    console.print(f"{len(planned)} images, mode {translator.mode}, on {translator.device}")
    results: list[Translated] = []
    try:
        for result in track(
            translate_files(translator, planned, format, max_pixels or images.MAX_PIXELS),
            total=len(planned),
            console=console,
            disable=quiet or not console.is_terminal,
        ):
            results.append(result)
    except KeyboardInterrupt:
        done = sum(not result.problem for result in results)
        raise stopped(f"{done} of {len(planned)} images are translated, in {out}.") from None
    problems = [result.problem for result in results if result.problem]
    for problem in problems:
        complain(f"Not translated: {problem}", "yellow")
    console.print(f"{len(planned) - len(problems)} translated into {out}", markup=False)
    if problems:
        raise DataError(f"{len(problems)} of {len(planned)} images could not be translated.")
