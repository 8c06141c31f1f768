"""The doctor's page: one HTML file that needs nothing but itself, and the same as JSON."""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from i2i import __version__, images
from i2i.data.order import spread
from i2i.errors import DataError, MissingInputError
from i2i.system.files import make_folder, write_atomically
from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.examination import Examination
from i2i_doctor.facts import BINS
from i2i_doctor.known import Place
from i2i_doctor.ranges import column_top
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

    out, root = Path(out), examination.opened.root
    make_folder(out)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _code
    template = environment.from_string((files("i2i_doctor") / "check.html.j2").read_text("utf-8"))
    pictures = _Pictures(examination)
    text = template.render(
        e=examination,
        name=Path(root).name or root,
        groups=_groups(examination, pictures),
        pairs=_pairs(examination, pictures),
        tops=pictures.tops,
        histograms=_histograms(examination),
        sizes=_sizes(examination),
        version=__version__,
    )
    page = out / "check.html"
    write_atomically(page, text.encode())
    write_atomically(out / "check.json", (json.dumps(examination.to_dict(), indent=2) + "\n").encode())
    return page


def _code(text: str) -> Markup:
    """Return text for HTML, with what stands between backticks as code."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))


class _Pictures:
    """Images of a dataset as thumbnails."""

    def __init__(self, examination: Examination) -> None:
        self._tables, known = examination.opened.tables, examination.known
        self.tops = {column: top for column in known.columns if (top := column_top(known, column))}
        """Column whose 16-bit values use only a part of their range -> the value that is shown as white."""

    def __call__(self, places: Iterable[Place]) -> list[Thumbnail]:
        return [self._thumbnail(place) for place in places]

    def _thumbnail(self, place: Place) -> Thumbnail:
        table = self._tables[place.split]
        name = f"{place.column} of {place.split}/{table.names[place.row]}"
        try:
            whole = table.picture(place.row, place.column).pixels
        except (DataError, MissingInputError):  # a diagnosis says why
            return Thumbnail("", name)
        data = images.encode(small(whole, SIDE, white=self.tops.get(place.column)), ".png")
        return Thumbnail(f"data:image/png;base64,{base64.b64encode(data).decode()}", name)


def _groups(
    examination: Examination, pictures: _Pictures
) -> dict[str, list[tuple[Diagnosis, list[tuple[str, list[Thumbnail]]]]]]:
    """Return severity -> its diagnoses, each with its examples and their thumbnails."""
    groups: dict[str, Any] = {severity: [] for severity in examination.counts}
    for diagnosis in examination.diagnoses:
        examples = [(example.text, pictures(example.places)) for example in diagnosis.examples]
        groups[diagnosis.severity].append((diagnosis, examples))
    return {severity: entries for severity, entries in groups.items() if entries}


def _pairs(examination: Examination, pictures: _Pictures) -> list[tuple[str, list[Thumbnail]]]:
    """Return evenly spread pairs of all splits, source first."""
    known, columns = examination.known, [column for side in examination.opened.sides for column in side]
    return [
        (known.name(pair), pictures(Place(*known.locate(pair), column) for column in columns))
        for pair in spread(len(known), SHOWN)
    ]


def _histograms(examination: Examination) -> list[Histogram]:
    """Return for each column the share of values in each of 64 equal steps of the range."""
    found = []
    for column, counts in examination.known.values.items():
        total, highest = int(counts.sum()), int(counts.max())
        if total:
            found.append(Histogram(column, [_bar(place, int(n), highest, total) for place, n in enumerate(counts)]))
    return found


def _bar(place: int, count: int, highest: int, total: int) -> Bar:
    height = 100 * (count / highest) ** 0.5  # a root, so that rare values are seen beside a plain background
    low, high = place / BINS, (place + 1) / BINS
    return Bar(100 * low, 90 / BINS, 100 - height, height, f"{low:.0%} to {high:.0%} of the range: {count / total:.2%}")


def _sizes(examination: Examination) -> list[tuple[str, str, list[dict[str, Any]], int]]:
    """Return split, column, its most frequent kinds of images, and how many other kinds there are."""
    tables = []
    for split, table in examination.opened.tables.items():
        for column in table.columns:
            found = examination.kinds(split, column)
            most = found[0]["images"] if found else 1
            rows = [{**kind, "share": 100 * kind["images"] / most} for kind in found[:SIZES]]
            tables.append((split, column, rows, max(0, len(found) - SIZES)))
    return tables
