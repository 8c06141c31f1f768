"""The doctor's page: one HTML file that needs nothing but itself, and the same as JSON."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup, escape

from i2i import __version__, images
from i2i.data.tables.table import Table
from i2i.errors import DataError, MissingInputError
from i2i.system.files import make_folder, write_atomically
from i2i_doctor.cases import columns_of
from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.examination import Examination, kinds
from i2i_doctor.facts import BINS, Place
from i2i_doctor.measuring import spread
from i2i_doctor.sheet import small

SHOWN = 12  # pairs on the contact sheet
SIDE = 160  # pixels of a thumbnail
SIZES = 8  # rows of the table of sizes


class Bar(NamedTuple):
    """A column of a histogram, in a box of 100 x 100 with the origin at the top left."""

    left: float
    width: float
    top: float
    height: float
    label: str


class Histogram(NamedTuple):
    """Which values the images of a column hold."""

    name: str
    bars: Sequence[Bar]


class Thumbnail(NamedTuple):
    """A small picture as a ``data:`` address, empty where it cannot be read, and what it is called."""

    address: str
    name: str


def write_page(examination: Examination, out: str | Path) -> Path:
    """Write ``check.html`` and ``check.json`` into a folder; returns where the page is.

    Raises:
        OutputError: If they cannot be written.
    """
    from jinja2 import Environment

    out = Path(out)
    make_folder(out)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _code
    template = environment.from_string((files("i2i_doctor") / "check.html.j2").read_text("utf-8"))
    text = template.render(
        e=examination,
        name=Path(examination.dataset).name or examination.dataset,
        groups=_groups(examination),
        pairs=_pairs(examination),
        histograms=_histograms(examination),
        sizes=_sizes(examination),
        version=__version__,
    )
    page = out / "check.html"
    write_atomically(page, text.encode())
    write_atomically(out / "check.json", (json.dumps(examination.to_dict(), indent=2) + "\n").encode())
    return page


def _code(text: str) -> Markup:
    """Text for HTML, with what stands between backticks as code."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))


def _groups(examination: Examination) -> dict[str, list[tuple[Diagnosis, list[tuple[str, list[Thumbnail]]]]]]:
    """Severity -> its diagnoses, each with its examples and their thumbnails."""
    groups: dict[str, Any] = {severity: [] for severity in examination.counts}
    for diagnosis in examination.diagnoses:
        examples = [(example.text, _thumbnails(examination.tables, example.places)) for example in diagnosis.examples]
        groups[diagnosis.severity].append((diagnosis, examples))
    return {severity: entries for severity, entries in groups.items() if entries}


def _pairs(examination: Examination) -> list[tuple[str, list[Thumbnail]]]:
    """Evenly spread pairs of all splits, source first."""
    everything = [(facts, row) for facts in examination.splits.values() for row in range(len(facts.names))]
    columns = (*examination.columns.source, *examination.columns.target)
    shown = []
    for number in spread(len(everything), SHOWN):
        facts, row = everything[number]
        places = [Place(facts.split, row, column) for column in columns]
        shown.append((f"{facts.split}/{facts.names[row]}", list(_thumbnails(examination.tables, places))))
    return shown


def _thumbnails(tables: Mapping[str, Table], places: Iterable[Place]) -> list[Thumbnail]:
    return [_thumbnail(tables[place.split], place) for place in places]


def _thumbnail(table: Table, place: Place) -> Thumbnail:
    name = f"{place.column} of {place.split}/{table.names[place.row]}"
    try:
        pixels = small(table.picture(place.row, place.column).pixels, SIDE)
    except (DataError, MissingInputError):  # a diagnosis says why
        return Thumbnail("", name)
    data = base64.b64encode(images.encode(pixels, ".png")).decode()
    return Thumbnail(f"data:image/png;base64,{data}", name)


def _histograms(examination: Examination) -> list[Histogram]:
    """Of each column over all splits: the share of values in each of 64 equal steps of the range."""
    found = []
    for column in columns_of(examination.splits):
        counts = np.sum([f.values[column] for f in examination.splits.values() if column in f.values], axis=0)
        total, highest = int(counts.sum()), int(counts.max())
        if total:
            found.append(Histogram(column, [_bar(place, int(n), highest, total) for place, n in enumerate(counts)]))
    return found


def _bar(place: int, count: int, highest: int, total: int) -> Bar:
    height = 100 * (count / highest) ** 0.5  # a root, so that rare values are seen beside a plain background
    low, high = place / BINS, (place + 1) / BINS
    return Bar(100 * low, 90 / BINS, 100 - height, height, f"{low:.0%} to {high:.0%} of the range: {count / total:.2%}")


def _sizes(examination: Examination) -> list[tuple[str, str, list[dict[str, Any]], int]]:
    """Split, column, its most frequent kinds of images, and how many other kinds there are."""
    tables = []
    for split, facts in examination.splits.items():
        for column in facts.columns:
            found = kinds(facts, column)
            most = found[0]["images"] if found else 1
            rows = [{**kind, "share": 100 * kind["images"] / most} for kind in found[:SIZES]]
            tables.append((split, column, rows, max(0, len(found) - SIZES)))
    return tables
