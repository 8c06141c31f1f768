"""The figures of an evaluation for other programs: two tables as CSV, and one in LaTeX."""

import csv
import math
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from i2i.evaluation.heads import Head, has_interval, heads_of, name_of
from i2i.evaluation.results import Evaluation, Figure, Subject
from i2i.system.files import make_folder, write_atomically

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
"""What means something to LaTeX, or has another glyph in its oldest fonts -> how it is printed as it is."""
LAST_LETTER = "\u017f"
MISSING = frozenset("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
"""Characters up to the last letter that stop pdflatex (TeX Live 2022), unless a document has other fonts than LaTeX's
own."""
LATEX_ARROWS = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
LOPSIDED = 1.5
"""An interval is written with two ends where one is so many times as far away as the other."""


def write_tables(evaluation: Evaluation, folder: Path) -> None:
    """Write ``figures.csv``, ``items.csv`` and ``table.tex`` into a folder.

    Raises:
        OutputError: If they cannot be written.
    """
    make_folder(folder)
    write_atomically(folder / "figures.csv", _csv(_figures(evaluation)))
    write_atomically(folder / "items.csv", _csv(_items(evaluation)))
    write_atomically(folder / "table.tex", latex_of(evaluation).encode())


def _figures(evaluation: Evaluation) -> Iterable[list[object]]:
    """Yield a row for each subject and figure."""
    yield ["subject", "kind", "figure", "better", "value", "low", "high", "spread", "count", "rank"]
    for head in heads_of(evaluation):
        better = "higher" if head.measured.higher_is_better else "lower"
        for subject in evaluation.subjects:
            if (figure := subject.figures.get(head.name)) is not None:
                kind = "model" if subject.is_model else "reference"
                ends = [_cell(value) for value in (figure.value, figure.low, figure.high)]
                rank = subject.rank.get(head.name, "")
                yield [subject.name, kind, head.name, better, *ends, figure.spread, figure.count, rank]


def _items(evaluation: Evaluation) -> Iterable[list[object]]:
    """Yield a row for each item, with a cell for each subject and figure that has one an item."""
    listed = [(subject, figure) for subject in evaluation.subjects for figure in subject.items]
    yield ["index", "name", *(f"{subject.name}: {figure}" for subject, figure in listed)]
    for index, name in enumerate(evaluation.names):
        yield [index, name, *(_cell(subject.items[figure][index]) for subject, figure in listed)]


def _cell(value: float | None) -> float | str:
    """Return a number for a cell, which is empty where there was nothing to measure."""
    return "" if value is None or math.isnan(value) else value


def _csv(rows: Iterable[list[object]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")  # names of files may hold half a surrogate pair


def latex_of(evaluation: Evaluation) -> str:
    """Return the figures as a table of LaTeX, which needs the package booktabs: models, a rule, references.

    The best model of each figure is bold; models of which a comparison cannot tell whether they are worse are
    underlined.
    """
    heads = heads_of(evaluation)
    titles = [f"{escaped(head.name)} {LATEX_ARROWS[head.arrow]}" for head in heads]
    references = [subject for subject in evaluation.subjects if not subject.is_model]
    groups = [_lines(group, heads) for group in (evaluation.models, references)]
    body = "  \\midrule\n".join(group for group in groups if group)
    return (
        f"% written by i2i {escaped(evaluation.i2i)}; needs \\usepackage{{booktabs}}\n"
        "\\begin{table}\n"
        "  \\centering\n"
        f"  \\caption{{{_caption(evaluation, heads)}}}\n"
        f"  \\begin{{tabular}}{{l{'c' * len(heads)}}}\n"
        "  \\toprule\n"
        f"  & {' & '.join(titles)} \\\\\n"
        "  \\midrule\n"
        f"{body}"
        "  \\bottomrule\n"
        "  \\end{tabular}\n"
        "\\end{table}\n"
    )


def _lines(subjects: list[Subject], heads: list[Head]) -> str:
    rows = [[escaped(subject.name), *(_number(subject, head) for head in heads)] for subject in subjects]
    return "".join(f"  {' & '.join(row)} \\\\\n" for row in rows)


def _number(subject: Subject, head: Head) -> str:
    r"""Write a figure: ``$0.17 \pm 0.01$``, or with two ends where they are not equally far away."""
    figure = subject.figures.get(head.name)
    if figure is None or not math.isfinite(figure.value):
        return "--"
    value = head.number(figure.value)
    if subject.name == head.best:
        value = rf"\mathbf{{{value}}}"
    elif subject.name in head.equals:
        value = rf"\underline{{{value}}}"
    return f"${value}{_spread(figure, head)}$"


def _spread(figure: Figure, head: Head) -> str:
    if not has_interval(figure):
        return ""
    below, above = sorted(distances := (figure.value - figure.low, figure.high - figure.value))
    if above <= LOPSIDED * below:
        return rf" \pm {head.half(figure)}"
    return f"_{{-{head.number(distances[0])}}}^{{+{head.number(distances[1])}}}"


def _caption(evaluation: Evaluation, heads: list[Head]) -> str:
    height, width = evaluation.size
    parts = [
        f"{evaluation.count} items of {name_of(evaluation)} ({evaluation.split}), {evaluation.field}, "
        f"{width}x{height} pixels, {evaluation.resizing}"
    ]
    spreads = {figure.spread for subject in evaluation.subjects for figure in subject.figures.values()}
    if spreads != {"none"}:
        parts.append("Intervals hold 95 %")
    if any(head.best for head in heads):
        parts.append("Bold: the best model")
    if any(head.equals for head in heads):
        parts.append("Underlined: cannot be told from the best")
    return escaped(". ".join(part.rstrip(".") for part in parts) + ".")


def escaped(text: str) -> str:
    """Return text as LaTeX prints it; characters that pdflatex has no glyph for by number, such as U+753B."""
    text = re.sub(r"\s+", " ", text)
    return "".join(SPECIAL.get(c) or (c if _is_in_fonts(c) else f"U+{ord(c):04X}") for c in text).replace("--", "-{}-")


def _is_in_fonts(character: str) -> bool:
    return character.isprintable() and character <= LAST_LETTER and character not in MISSING
