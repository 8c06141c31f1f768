"""What the doctor found, on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from i2i.cli.console import shown
from i2i_doctor.examination import Examination

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
NAMED = 3  # examples of a diagnosis that are shown


def print_examination(console: Console, examination: Examination, page: Path) -> None:
    """Print splits, diagnoses and generators of a dataset, and where its page is."""
    source, target = map(shown, examination.sides)
    root, layout = shown(examination.opened.root), shown(examination.layout)
    console.print(f"[bold]{root}[/]: {layout}; source {source}, target {target}", soft_wrap=True)
    table = Table("split", examination.rows, "column", "images", "size", "channels", "type")
    for split, images in examination.kinds.items():
        for column, kinds in images.items():
            read = f"{sum(kind['images'] for kind in kinds):,}"
            table.add_row(shown(split), f"{examination.pairs[split]:,}", shown(column), read, *_in_words(kinds))
    console.print(table)
    if examination.known.looked_at < len(examination.opened):
        console.print(f"A quick look: the images of {examination.known.looked_at:,} {examination.rows} were read.")
    for diagnosis in examination.diagnoses:
        colour = COLOURS[diagnosis.severity]
        console.print(f"[{colour}]{diagnosis.severity}[/] [bold]{shown(diagnosis.text)}[/]", soft_wrap=True)
        for example in diagnosis.examples[:NAMED]:
            console.print(f"    {shown(example.text)}", soft_wrap=True)
        if diagnosis.total > NAMED and diagnosis.examples:
            console.print(f"    and {diagnosis.total - NAMED:,} more")
        console.print(f"    [dim]{shown(diagnosis.remedy)}[/]", soft_wrap=True)
    _print_fits(console, examination)
    if not examination.diagnoses:
        console.print("[green]Nothing is wrong with it.[/]")
    counts = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in examination.counts.items())
    console.print(f"{counts}. Page: {shown(str(page))}", soft_wrap=True)


def _in_words(kinds: Sequence[dict[str, Any]]) -> list[str]:
    """Return size, channels and type, each in a word or two."""
    sizes = list(dict.fromkeys(f"{kind['width']}x{kind['height']}" for kind in kinds))
    size = ", ".join(sizes[:2]) + (f" and {len(sizes) - 2:,} more" if len(sizes) > 2 else "")
    return [size, *(", ".join(sorted({str(kind[field]) for kind in kinds})) for field in ("channels", "dtype"))]


def _print_fits(console: Console, examination: Examination) -> None:
    table = Table("generator", "sizes divisible by", "images of such a size", "largest crop of all")
    for fit in examination.fits:
        options = "".join(f" {option}={value}" for option, value in fit.options.items())
        row = (str(fit.multiple), f"{fit.fitting:,} of {fit.images:,}", str(fit.largest or "none"))
        table.add_row(shown(fit.generator + options), *(row if not fit.problem else (shown(fit.problem), "", "")))
    console.print(table)
    console.print("[dim]Sizes as stored: training resizes to fit, unless data.resize is keep.[/]", soft_wrap=True)


def print_statistics(console: Console, found: Sequence[dict[str, Any]]) -> None:
    """Print the figures of `i2i_doctor.walk.Known.figures` as tables."""
    values = Table("column", "type", "channel", "min", "max", "mean", "std")
    sizes = Table("column", "type", "images", "width", "height", "dark", "light", "coloured")
    for entry in found:
        column = shown(entry["column"])
        for channel, figures in enumerate(entry["values"]):
            values.add_row(column, entry["dtype"], str(channel), *(f"{v:.5g}" for v in figures.values()))
        shares = [f"{entry[name]:.1%}" for name in ("dark", "light", "coloured")]
        spans = [" to ".join(map(str, dict.fromkeys(entry[name]))) for name in ("width", "height")]
        sizes.add_row(column, entry["dtype"], f"{entry['images']:,}", *spans, *shares)
    console.print(sizes, values)
