"""``i2i translate``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from i2i.cli.flags import MaxPixels, Precision
from i2i.errors import DataError, things
from i2i.system.importing import importing_torch

if TYPE_CHECKING:
    from i2i.translation import Translator
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
    to: Annotated[
        str | None,
        typer.Option(help="Field to make, such as target; A and B are source and target. The model's own if not said."),
    ] = None,
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None,
        typer.Option(help="Dropout on (paper) or off; batch norm by each image, or by running averages (running)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the noise, where there is any, such as in mode paper.")] = 0,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Results for each image, of the seeds from --seed on; numbered files.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Option of the model's translator, such as steps=8."),
    ] = None,
    format: Annotated[
        Literal["auto", "png", "tif", "npy"],
        typer.Option(help="How results are stored; auto is PNG where that holds them, TIFF for a declared range."),
    ] = "auto",
    fit: Annotated[
        Literal["none", "auto"],
        typer.Option(help="Bring inputs there that look otherwise than what the model learned from, as drawings may."),
    ] = "none",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each input, what the model was given and the result side by side.")
    ] = False,
    max_pixels: MaxPixels = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Memory to plan with, such as 2GB; what is free, if not said. Large images go in strips."),
    ] = None,
    plugin_file: Annotated[
        list[Path] | None, typer.Option(help="FILE.py that the model needs as a plugin; may be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Translate again what is there already.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model on the Hub.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    precision: Precision = None,
    backend: Annotated[
        str | None, typer.Option(help="Format of an export in the model folder, such as onnx, to compute by.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Translate images of any size with a trained model.

    The model says how: nothing of its training has to be repeated here. Results are stored losslessly, with the bit
    depth of the training's targets.
    """
    from rich.console import Console

    with importing_torch():
        from i2i import images
        from i2i.cli.console import GOES_ON, complain, shown, stopped, warn_of_problems
        from i2i.cli.progress import WorkProgress
        from i2i.kinds import COMPONENTS
        from i2i.plugin_files import load_plugin_file
        from i2i.said import parse_options
        from i2i.system.devices import bytes_of
        from i2i.translation import MANY, Translator
        from i2i.translation.folder import How, Translated, translate_files
        from i2i.translation.jobs import is_file_name, plan, plan_one
        from i2i.translation.record import Record

    console = Console(quiet=quiet, highlight=False)
    for file in plugin_file or []:
        load_plugin_file(file)
    numbers = precision or "auto"
    run: dict[str, Any] = {"device": device, "mode": mode, "seed": seed, "precision": numbers, "fit": fit}
    run["memory"] = bytes_of(memory) if memory else None
    translator = Translator.load(model, to, revision=revision, backend=backend, **run)
    how = How(format, samples, parse_options(set_ or []), max_pixels or images.MAX_PIXELS, explain)
    translator.predictor.chosen(how.options)  # a wrong one stops before anything is read
    single, takes = is_file_name(out), (translator.columns, translator.optional, samples)
    planned = plan_one(inputs, out, format, *takes) if single else plan(inputs, out, *takes)
    if not planned:
        raise DataError("There is no image among the inputs. Give images, or folders that hold some.")
    warn_of_problems(COMPONENTS)
    console.print(f"{things(len(planned), 'image')}, {_manner(translator)}, {_where(translator)}")
    if len(planned) * (samples or 1) >= MANY:
        translator.pack()
    record = None if single else Record(out, translator, format, how.options, explain=explain, anew=overwrite)
    results: list[Translated] = []
    try:
        with WorkProgress("translating", silent=quiet) as progress:
            for result in translate_files(translator, planned, how, record):
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


def _manner(translator: "Translator") -> str:
    """Say what is made, where a model makes several things, and in which mode."""
    made = "" if len(translator.predictor.recipe.translators) < 2 else f"to {translator.to}, "
    return f"{made}mode {translator.mode}"


def _where(translator: "Translator") -> str:
    """Say what computes."""
    backend = translator.predictor.backend
    return f"on {translator.device}" if backend is None else f"by its export {backend.name}"


def remarks(results: Sequence["Translated"]) -> Iterator[str]:
    """Yield what had to be done to read the inputs, a line for each thing, with the first that it was done to."""
    found: dict[str, list[Path]] = {}
    for result in results:
        for note in result.notes:
            found.setdefault(note, []).append(result.source)
    for note, sources in found.items():
        yield f"{sources[0]}: {note}" + (f"; {len(sources) - 1} more like it" if len(sources) > 1 else "")
