"""``i2i export``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from i2i.cli.completion import completer

if TYPE_CHECKING:
    from rich.table import Table

    from i2i.exporting import Exported


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    model: Annotated[str, typer.Argument(help="Model folder, a run's folder, or USER/NAME on the Hub.")],
    format: Annotated[str, typer.Option(help="What to write, such as onnx.", autocompletion=completer("exporter"))],
    out: Annotated[
        Path | None, typer.Option(help="File, or folder for it; in the model folder if not said: see --backend there.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Field to make, as in `i2i translate`.")] = None,
    mode: Annotated[
        Literal["paper", "deterministic", "running"] | None, typer.Option(help="As in `i2i translate`.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Option of the format, such as storage=float16."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Dataset of the model, by which 8 bits are chosen, such as storage=int8.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Measure time and memory, of the model and of the file.")
    ] = True,
    plugin_file: Annotated[
        list[Path] | None, typer.Option(help="FILE.py that the model needs as a plugin; may be repeated.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model on the Hub.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but problems.")] = False,
) -> None:
    """Write a trained model for another runtime: one file that turns pictures into pictures, of any size.

    The file is then run beside the model, and removed where they differ.
    """
    from rich.console import Console

    from i2i.api import export as write
    from i2i.cli.console import complain, shown, warn_of_problems
    from i2i.kinds import COMPONENTS

    found = write(
        model,
        format,
        out,
        to=to,
        mode=mode,
        set=set_ or (),
        data=data,
        revision=revision,
        plugin_file=plugin_file or (),
        measure=measure and not quiet,
    )
    warn_of_problems(COMPONENTS)
    console = Console(quiet=quiet, highlight=False)
    for line in _findings(found):
        console.print(line, soft_wrap=True)
    for note in found.effect.notes if found.effect else ():
        complain(note, "yellow")
    if found.costs:
        console.print(_table(found))
    console.print(f"Written: {shown(str(found.path))}", soft_wrap=True)


def _findings(found: "Exported") -> Iterator[str]:
    """Say how large a file is, and how far from its model."""
    share = f", {found.size / found.weights:.2f} of the weights" if found.weights else ""
    yield f"{found.size / 1e6:.1f} MB{share}, mode {found.mode}"
    if found.parity:
        sizes = ", ".join(f"{width}x{height}" for height, width in (each.size for each in found.parity))
        levels, worst = max(each.levels for each in found.parity), max(each.share for each in found.parity)
        equal = "it makes the same as the model"
        off = f"up to {levels} of 255 levels off the model, in {worst:.3%} of the values at most"
        yield f"At {sizes}: {off if levels else equal}"
    elif found.effect:
        effect = found.effect
        yield f"On {effect.images} images of {effect.split}: {effect.difference:.2f} levels off the model on average"
        for name, (before, after) in effect.figures.items():
            yield f"  {name}: {before:.4g} before, {after:.4g} after"
    else:
        yield "It cannot be run here, so it was not compared with the model"


def _table(found: "Exported") -> "Table":
    """Lay out what one picture takes."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for column in ("one picture", "p50", "p95", "memory"):
        table.add_column(column, justify="left" if column == "one picture" else "right")
    for name, cost in found.costs.items():
        memory = f"{cost.memory / 1e6:.0f} MB" if cost.memory else "not known"
        table.add_row(name, f"{cost.median * 1e3:.1f} ms", f"{cost.slow * 1e3:.1f} ms", memory)
    return table
