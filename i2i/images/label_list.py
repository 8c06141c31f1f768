"""Lists of the classes that label maps may hold: ids, names and colours, as people write them.

JSON and YAML hold a list of objects, or an object with such a list under ``labels``; CSV has a header. They know ``id``
(needed), ``name`` and ``colour`` (or ``color``), which is ``#rrggbb`` or three numbers; CSV also ``red``, ``green`` and
``blue``. A text file has one label a line: an id, a name and a colour, of which a name or a colour is enough; lines
without ids are numbered from 0. In text files, lines that begin with ``#`` and a space are comments.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from i2i import safe_json, safe_yaml
from i2i.errors import DataError, MissingInputError, UsageError, suggest

MAX_ID = 65_535
"""Largest id that an image can hold."""
MAX_BYTES = 4_000_000

Colour = tuple[int, int, int]
"""Red, green and blue in 0..255."""


class Label(NamedTuple):
    """One class of a label map."""

    id: int
    """The value that stands for it, in 0..65535."""
    name: str
    """Its id as text where the file has no name."""
    colour: Colour | None = None
    """The colour that stands for it where label maps are coloured."""


def read_labels(path: Path) -> list[Label]:
    """Read the labels of a ``.json``, ``.yaml``, ``.csv`` or ``.txt`` file, in the order of their ids.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If its suffix is none of these.
        DataError: If it holds no labels, or two share an id, a name or a colour, or a line can be read in two ways.
    """
    path = Path(path)
    where = repr(str(path))
    entries = READERS.get(path.suffix.lower())
    if entries is None:
        raise UsageError(f"{where} is no list of labels by its suffix. Give one of {', '.join(READERS)}.")
    try:
        text = path.read_bytes()[: MAX_BYTES + 1].decode("utf-8-sig")
    except FileNotFoundError:
        raise MissingInputError(f"There is no {where}. Give a list of labels that is there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where} cannot be read ({error}). Give a list of labels as UTF-8 text.") from error
    if len(text) > MAX_BYTES:
        raise DataError(f"{where} is larger than {MAX_BYTES} bytes. That is no list of labels.")
    labels = [_label(entry, here) for here, entry in entries(text, where)]
    if not labels:
        raise DataError(f"{where} holds no label. Give at least one, with an id and a name.")
    _check_distinct(labels, where)
    return sorted(labels)


Entries = Iterable[tuple[str, Any]]
"""Where a label stands, for errors, and what is said of it."""


def _json(text: str, where: str) -> Entries:
    try:
        data = safe_json.load(text)
    except ValueError as error:
        raise DataError(f"{where} is no JSON ({error}).") from error
    return _objects(data, where)


def _objects(data: Any, where: str) -> Entries:
    entries = data.get("labels") if isinstance(data, dict) else data
    if not isinstance(entries, list):
        raise DataError(f"{where} is no list of labels. Give a list of objects with id, name and colour.")
    return [(f"{where}, label {number}", entry) for number, entry in enumerate(entries, 1)]


def _csv(text: str, where: str) -> Iterator[tuple[str, Any]]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    headers = [header.strip().lower() for header in rows.fieldnames or ()]
    if "id" not in headers:
        raise DataError(f"{where} has no column 'id'.{suggest('id', headers)} Its first line names the columns.")
    rows.fieldnames = headers
    for row in rows:
        here = f"{where}, line {rows.line_num}"
        if None in row:
            raise DataError(f"{here} has more values than the first line has columns.")
        entry = {key: value.strip() for key, value in row.items() if value and value.strip()}
        if any(primary in entry for primary in PRIMARIES):
            entry["colour"] = " ".join(entry.get(primary, "") for primary in PRIMARIES)
        yield here, entry


PRIMARIES = ("red", "green", "blue")


def _text(text: str, where: str) -> Entries:
    lines = [(f"{where}, line {number}", line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(here, _parts(line, here)) for here, line in lines if line and not COMMENT.match(line)]
    if not any("id" in entry for _, entry in found):
        return [(here, {"id": place, **entry}) for place, (here, entry) in enumerate(found)]
    if strange := next((here for here, entry in found if "id" not in entry), None):
        raise DataError(f"{strange} has no id, as others have. Write an id before every name, or none.")
    return found


COMMENT = re.compile(r"#(\s|$)")
ENDING = re.compile(r"(?:^|[\s,:;]+)(?P<colour>#[0-9a-fA-F]{6}|\d+(?:[\s,;]+\d+)*)$")
BEGINNING = re.compile(r"(?P<id>\d+)(?:[\s,:;]+|$)(?P<name>.*)")


def _parts(line: str, where: str) -> dict[str, str]:
    """Split a line into id, name and colour, as far as it has them; three numbers at its end are the colour.

    Raises:
        DataError: If numbers may be one thing or another.
    """
    rest, numbers, entry = line, list[str](), dict[str, str]()
    if ending := ENDING.search(line):
        rest, numbers = line[: ending.start()], re.split(r"[\s,;]+", ending["colour"])
    if ending and numbers[0].startswith("#"):
        entry["colour"] = numbers[0]
    elif len(numbers) == 3 or (len(numbers) == 4 and not rest):
        entry["colour"] = " ".join(numbers[-3:])
        rest = rest or " ".join(numbers[:-3])
    elif len(numbers) > 3 or (len(numbers) == 2 and not rest):
        raise DataError(f"{where} has {len(numbers)} numbers in a row. Write an id, a name and the colour as #rrggbb.")
    else:
        rest = line  # one or two numbers belong to the name, as in `route 66`
    if beginning := BEGINNING.fullmatch(rest):
        entry["id"], rest = beginning["id"], beginning["name"]
    return {**entry, "name": rest}


READERS: Mapping[str, Callable[[str, str], Entries]] = {
    ".json": _json,
    ".yaml": lambda text, where: _objects(safe_yaml.load(text, where), where),
    ".yml": lambda text, where: _objects(safe_yaml.load(text, where), where),
    ".csv": _csv,
    ".txt": _text,
}


def _label(entry: Any, where: str) -> Label:
    if not isinstance(entry, Mapping) or "id" not in entry:
        raise DataError(f"{where} has no id. A label has an id, a name and perhaps a colour.")
    text = str(entry["id"])
    if isinstance(entry["id"], bool) or not re.fullmatch(r"\d{1,9}", text) or int(text) > MAX_ID:
        raise DataError(f"{where} has the id {entry['id']!r}. An id is a whole number from 0 to {MAX_ID}.")
    name = str(entry.get("name") or "").strip()
    return Label(int(text), name or str(int(text)), _colour(entry.get("colour", entry.get("color")), where))


def _colour(value: Any, where: str) -> Colour | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        red, green, blue = bytes.fromhex(value[1:])
        return red, green, blue
    numbers = re.split(r"[\s,;]+", value.strip("()[] ")) if isinstance(value, str) else value
    if isinstance(numbers, list) and len(numbers) == 3 and all(re.fullmatch(r"\d{1,3}", str(n)) for n in numbers):
        red, green, blue = (int(number) for number in numbers)
        if max(red, green, blue) <= 255:
            return red, green, blue
    raise DataError(f"{where} has the colour {value!r}. Write #rrggbb, or three numbers from 0 to 255.")


def _check_distinct(labels: Iterable[Label], where: str) -> None:
    seen: dict[tuple[str, Any], Label] = {}
    for label in labels:
        for what, value in zip(("id", "name", "colour"), label, strict=True):
            other = seen.setdefault((what, value), label)
            if other is not label and value is not None:
                names = f"{other.name!r} and {label.name!r}"
                raise DataError(f"{where}: the labels {names} share the {what} {value!r}. Give each one of its own.")
