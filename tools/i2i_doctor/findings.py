"""What the doctor found in a dataset, on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.examination import Examination, kinds

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
NAMED = 3  # examples of a diagnosis that are shown


def print_examination(console: Console, examination: Examination, page: Path) -> None:
    """Splits, diagnoses and generators of a dataset, and where its page is."""
    source, target = map(escape, examination.sides)
    console.print(
        f"[bold]{escape(examination.dataset)}[/]: {escape(examination.layout)}; source {source}, target {target}",
        soft_wrap=True,
    )
    table = Table("split", "pairs", "column", "images", "size", "channels", "type")
    for split, facts in examination.splits.items():
        for column in facts.columns:
            found = kinds(facts, column)
            read = f"{sum(kind['images'] for kind in found):,}"
            table.add_row(split, f"{len(facts.names):,}", column, read, *_kinds(found))
    console.print(table)
    if examination.looked_at < examination.pairs:
        console.print(f"A quick look: the images of {examination.looked_at:,} pairs were read.")
    for diagnosis in examination.diagnoses:
        _print_diagnosis(console, diagnosis)
    _print_fits(console, examination)
    if not examination.diagnoses:
        console.print("[green]Nothing is wrong with it.[/]")
    counts = ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in examination.counts.items()
    )
    console.print(f"{counts}. Page: {escape(str(page))}", soft_wrap=True)


def _kinds(found: Sequence[dict[str, Any]]) -> list[str]:
    """Size, channels and type, each in a word or two."""
    sizes = list(dict.fromkeys(f"{kind['width']}x{kind['height']}" for kind in found))
    channels = sorted({kind["channels"] for kind in found})
    size = ", ".join(sizes[:2]) + (f" and {len(sizes) - 2:,} more" if len(sizes) > 2 else "")
    return [size, ", ".join(map(str, channels)), ", ".join(sorted({kind["dtype"] for kind in found}))]


def _print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    colour = COLOURS[diagnosis.severity]
    console.print(f"[{colour}]{diagnosis.severity}[/] [bold]{escape(diagnosis.text)}[/]", soft_wrap=True)
    for example in diagnosis.examples[:NAMED]:
        console.print(f"    {escape(example.text)}", soft_wrap=True)
    if diagnosis.total > NAMED and diagnosis.examples:
        console.print(f"    and {diagnosis.total - NAMED:,} more")
    console.print(f"    [dim]{escape(diagnosis.remedy)}[/]", soft_wrap=True)


def _print_fits(console: Console, examination: Examination) -> None:
    table = Table("generator", "sizes divisible by", "images of such a size", "largest crop of all")
    for fit in examination.fits:
        options = "".join(f" {option}={value}" for option, value in fit.options.items())
        row = (str(fit.multiple), f"{fit.fitting:,} of {fit.images:,}", str(fit.largest or "none"))
        table.add_row(escape(fit.generator + options), *(row if not fit.problem else (escape(fit.problem), "", "")))
    console.print(table)
    console.print("[dim]Sizes as stored: training resizes to fit, unless data.resize is keep.[/]", soft_wrap=True)
