"""``i2i translate``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from i2i.cli.flags import MaxPixels
from i2i.errors import DataError, things

if TYPE_CHECKING:
    from i2i.translation.folder import Translated


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(translate)


def translate(
    model: Annotated[str, typer.Argument(help="Model folder, a run's folder, or USER/NAME on the Hub.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images, and folders of images.")],
    out: Annotated[
        Path,
        typer.Option(help="Folder for the results, named as the inputs; for one image also a .png, .tif or .npy file."),
    ],
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
    plugin_file: Annotated[
        list[Path] | None, typer.Option(help="FILE.py that the model needs as a plugin; may be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Translate again what is there already.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model on the Hub.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Translate images of any size with a trained model.

    The model says how: nothing of its training has to be repeated here. Results are stored losslessly, with the bit
    depth of the training's targets.
    """
    from rich.console import Console

    from i2i import images
    from i2i.cli.console import GOES_ON, complain, shown, stopped, warn_of_problems
    from i2i.cli.progress import WorkProgress
    from i2i.plugin_files import load_plugin_file
    from i2i.plugins import COMPONENTS
    from i2i.translation import Translator
    from i2i.translation.folder import Translated, is_file_name, plan, plan_one, translate_files
    from i2i.translation.record import Record

    console = Console(quiet=quiet, highlight=False)
    for file in plugin_file or []:
        load_plugin_file(file)
    translator = Translator.load(model, revision=revision, device=device, mode=mode, seed=seed)
    single = is_file_name(out)
    columns = [column.name for column in translator.config.source.columns]
    planned = plan_one(inputs, out, format) if single else plan(inputs, out, columns)
    if not planned:
        raise DataError("There is no image among the inputs. Give images, or folders that hold some.")
    warn_of_problems(COMPONENTS)
    console.print(f"{things(len(planned), 'image')}, mode {translator.mode}, on {translator.device}")
    record = None if single else Record(out, translator, format, anew=overwrite)
    results: list[Translated] = []
    try:
        with WorkProgress("translating", silent=quiet) as progress:
            limit = max_pixels or images.MAX_PIXELS
            for result in translate_files(translator, planned, format, limit, record):
                results.append(result)
                progress(len(results), len(planned))
    except KeyboardInterrupt:
        done = sum(not result.problem for result in results)
        raise stopped(f"{done} of {things(len(planned), 'image')} are translated, in {out}. {GOES_ON}") from None
    for line in remarks(results):
        complain(line, "yellow")
    problems = [result.problem for result in results if result.problem]
    for problem in problems:
        complain(f"Not translated: {problem}", "yellow")
    if there := sum(result.skipped for result in results):
        console.print(f"{there} were there already, by this model, seed and mode. --overwrite translates them again.")
    console.print(f"{len(planned) - len(problems) - there} translated into {shown(str(out))}")
    if problems:
        raise DataError(f"{len(problems)} of {things(len(planned), 'image')} could not be translated.")


def remarks(results: Sequence["Translated"]) -> Iterator[str]:
    """Yield what had to be done to read the inputs, a line for each thing, with the first that it was done to."""
    found: dict[str, list[Path]] = {}
    for result in results:
        for note in result.notes:
            found.setdefault(note, []).append(result.source)
    for note, sources in found.items():
        yield f"{sources[0]}: {note}" + (f"; {len(sources) - 1} more like it" if len(sources) > 1 else "")
