"""Writes what came of it: a page in Markdown with our figures beside the paper's, and the same as JSON."""

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paper_tables.tables import Figures, Table
from paper_tables.verdicts import Judged, Ordering, figures, mean_draws, orderings, spread_of

DECIDING = ("pixel", "class", "iou")
HEADING = "| | paper: pixel / class / IoU | here: pixel / class / IoU | IoU of each seed | IoU, 95 % by frames |"
BESIDE: Mapping[str, str] = {
    "kid-lite0": "KID, Lite0, x1000",
    "l1": "L1",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "lab-histogram/L": "L",
    "lab-histogram/a": "a",
    "lab-histogram/b": "b",
}
"""Further figures of photographs, and what the page calls them; the last three are intersections of histograms."""


def page(tables: Sequence[Table], judged: Judged, references: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the tables and what came of the claims, in Markdown.

    Args:
        tables: Which tables.
        judged: By cell, what was said of each seed's run.
        references: What was said of real images and of the mean of training, by direction: see `references_of`.
    """
    parts = [part for table in tables for part in _sections(table, judged, references)]
    return "\n\n".join([*parts, "## Other figures of the photographs", _beside(tables, judged, references)])


def took(costs: Sequence[Mapping[str, Any]], out_of: int) -> str:
    """Return what training took, in one line.

    Args:
        costs: Of each process that trained.
        out_of: How many runs there are in all.
    """
    done = {cost["run"] for cost in costs if cost["status"] == 0}
    hours = [sum(cost[kind] for cost in costs) / 3600 for kind in ("cpu", "wall")]
    return (
        f"{len(done)} of {out_of} runs: {hours[0]:.2f} hours of CPU, {hours[1]:.2f} hours of runs by the clock, on "
        f"{os.cpu_count()} cores of {platform.machine()}."
    )


def as_json(tables: Sequence[Table], judged: Judged, references: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the same as plain data: of each run all figures, and all orderings."""
    return {
        "figures": {cell: [run["figures"] for run in runs] for cell, runs in judged.items()},
        "references": {name: judged["figures"] for name, judged in references.items()},
        "orderings": [
            {"table": table.title, **vars(ordering)} for table in tables for ordering in orderings(table, judged)
        ],
    }


def _sections(table: Table, judged: Judged, references: Mapping[str, Mapping[str, Any]]) -> list[str]:
    cells = [row.cell for row in table.rows if judged.get(row.cell)]
    to_labels = any(cell.startswith("labels-") for cell in cells)
    lines = [HEADING, "| --- |" + " --- |" * 4]
    for row in table.rows:
        runs = judged.get(row.cell, [])
        by_seed = ", ".join(f"{value:.3f}" for value in figures(runs))
        lines.append(
            f"| {row.name} | {_paper(row.paper)} | {_ours(runs)} | {by_seed or 'not trained'} | {_by_frames(runs)} |"
        )
    for name, reference in references.items():
        if name.startswith("labels: ") == to_labels:
            lines.append(f"| *{name.partition(': ')[2]}* | | {_ours([reference])} | | {_by_frames([reference])} |")
    spread, freedom = spread_of(table, judged)
    count = {len(judged[cell]) for cell in cells}
    seeds = f"{min(count)}" if len(count) == 1 else f"{min(count)} to {max(count)}" if count else "No"
    said = f"{seeds} seeds a cell; within cells IoU deviates by {spread:.4f} ({freedom} degrees of freedom)."
    return [f"## {table.title}", "\n".join(lines), said, _claims(table, judged)]


def _claims(table: Table, judged: Judged) -> str:
    """Return the verdicts, which IoU decides, and beside them how accuracy of pixels differs."""
    lines = [
        "| the paper's ordering | IoU: difference here, 95 % | verdict | accuracy of pixels: the same |",
        "| --- | --- | --- | --- |",
    ]
    for by_iou, by_pixel in zip(orderings(table, judged), orderings(table, judged, "pixel"), strict=True):
        claim = f"{table.named(by_iou.better)} > {table.named(by_iou.worse)}"
        lines.append(f"| {claim} | {_difference(by_iou)} | **{by_iou.verdict}** | {_difference(by_pixel)} |")
    return "\n".join(lines)


def _difference(ordering: Ordering) -> str:
    return f"{ordering.difference:+.3f} ({ordering.low:+.3f} to {ordering.high:+.3f})"


def _beside(tables: Sequence[Table], judged: Judged, references: Mapping[str, Mapping[str, Any]]) -> str:
    """Return further figures of photographs, of the first seed alone: KID takes longer than all the others."""
    lines = [f"| | {' | '.join(BESIDE.values())} |", "| --- |" + " --- |" * len(BESIDE)]
    rows = {row.cell: row.name for table in reversed(tables) for row in reversed(table.rows)}
    known = {rows[cell]: runs[0] for cell, runs in judged.items() if runs and "kid-lite0" in runs[0]["figures"]}
    known |= {f"*{name.partition(': ')[2]}*": said for name, said in references.items() if name.startswith("photo: ")}
    for name, said in known.items():
        values = (f"{said['figures'][figure]:.{_places(figure)}f}" for figure in BESIDE)
        lines.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(lines)


def _places(figure: str) -> int:
    return {"kid-lite0": 0, "psnr": 1}.get(figure, 3 if figure in ("l1", "ssim") else 2)


def _paper(found: Figures | None) -> str:
    return " / ".join(f"{value:.2f}" for value in found) if found else ""


def _ours(runs: Sequence[Mapping[str, Any]]) -> str:
    return " / ".join(f"{np.mean(figures(runs, figure)):.3f}" for figure in DECIDING) if runs else ""


def _by_frames(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return where 95 % of the mean of the seeds lie when frames are drawn anew."""
    return "{:.3f} to {:.3f}".format(*np.percentile(mean_draws(runs), (2.5, 97.5))) if runs else ""
