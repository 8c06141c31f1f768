"""What the demo shows in the end: a contact sheet, and a page that needs nothing but itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i import images, pages
from i2i.pairs import Pixels
from i2i.system.files import write_atomically
from i2i_demo.pipeline import Story, Triple

COLUMNS = 2  # triples side by side
SMOOTHING = 20  # steps that a point of a loss curve is the mean of


class Curve(NamedTuple):
    """A curve to draw, in a box of 100 x 100 with the origin at the top left."""

    name: str
    points: str
    """As an SVG polyline takes them."""
    first: float
    last: float
    low: float
    high: float


def write_report(story: Story, out: Path) -> tuple[Path, Path]:
    """Write ``contact-sheet.png`` and ``report.html``, and return where they are."""
    sheet, page = out / "contact-sheet.png", out / "report.html"
    images.write(sheet, draw_sheet(story.triples))
    data = pages.render(
        "i2i_demo",
        "report.html.j2",
        story=story,
        triples=[(t.name.replace("-", " "), *(pages.address(image) for image in t[1:])) for t in story.triples],
        losses=loss_curves(story.rows),
        validation=validation_curves(story.rows),
        out=out,
    )
    write_atomically(page, data)
    return sheet, page


def draw_sheet(triples: Sequence[Triple]) -> Pixels:
    """Draw source, output and target of every held-out pair, (H, W, 3) uint8, with the words above."""
    blank = np.full_like(triples[0].target, 255)
    cells = [list(triple[1:]) for triple in triples]
    cells += [[blank] * 3] * (-len(cells) % COLUMNS)
    rows = len(cells) // COLUMNS
    return images.contact_sheet(
        [[image for column in range(COLUMNS) for image in cells[row + rows * column]] for row in range(rows)],
        ("source", "output", "target") * COLUMNS,
    )


def loss_curves(rows: Sequence[dict[str, Any]]) -> list[Curve]:
    """Return each loss over the steps, smoothed."""
    steps = [row for row in rows if "lr" in row]
    return [
        _curve(name, _smoothed([row[name] for row in steps])) for name in steps[0] if "/" in name and len(steps) > 1
    ]


def validation_curves(rows: Sequence[dict[str, Any]]) -> list[Curve]:
    """Return each metric over the validations."""
    measured = [row["validation"] for row in rows if "validation" in row]
    return [_curve(name, [figures[name] for figures in measured]) for name in measured[0] if len(measured) > 1]


def _smoothed(values: Sequence[float]) -> list[float]:
    window = min(SMOOTHING, len(values))
    return list(np.convolve(values, np.full(window, 1 / window), mode="valid"))


def _curve(name: str, values: Sequence[float]) -> Curve:
    low, high = min(values), max(values)
    across = np.linspace(0, 100, len(values))
    down = 100 - 100 * (np.asarray(values) - low) / ((high - low) or 1)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return Curve(name, points, values[0], values[-1], low, high)
