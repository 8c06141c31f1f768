"""The doctor's page: one HTML file that needs nothing but itself, and the same as JSON."""

import json
from functools import partial
from pathlib import Path

from i2i import pages
from i2i.data.order import spread
from i2i.errors import DataError, MissingInputError
from i2i.system.files import make_folder, write_atomically
from i2i_doctor.columns import column_top
from i2i_doctor.examination import Examination
from i2i_doctor.opening import Opened
from i2i_doctor.sheet import small

SHOWN = 12  # pairs on the contact sheet
SIDE = 160  # pixels of a thumbnail


def write_page(examination: Examination, out: str | Path) -> Path:
    """Write ``check.html`` and ``check.json`` into a folder; returns where the page is.

    Raises:
        OutputError: If they cannot be written.
    """
    out, opened, known = Path(out), examination.opened, examination.known
    make_folder(out)
    images_ = {column: facts for column, facts in known.facts.items() if column not in opened.classes}
    tops = {column: top for column, facts in images_.items() if (top := column_top(facts))}
    columns = list(dict.fromkeys([*opened.sides.source, *opened.sides.target, *opened.extras.values()]))
    shown = {
        opened.name(pair): [(pair, column) for column in columns if opened.has(pair, column)]
        for pair in spread(len(opened), SHOWN)
    }
    data = pages.render(
        "i2i_doctor",
        "check.html.j2",
        e=examination,
        name=Path(opened.root).name or opened.root,
        pairs=shown,
        tops=tops,
        address=partial(_address, opened, tops),
    )
    page = out / "check.html"
    write_atomically(page, data)
    write_atomically(out / "check.json", (json.dumps(examination.to_dict(), indent=2) + "\n").encode())
    return page


def _address(opened: Opened, tops: dict[str, int], pair: int, column: str) -> str:
    """Return a small picture as a ``data:`` address, empty where it cannot be read: a diagnosis says why then."""
    try:
        whole = opened.picture(pair, column).pixels
    except (DataError, MissingInputError):
        return ""
    return pages.address(small(whole, SIDE, white=tops.get(column), ids=column in opened.classes))
