"""The list of the classes that label maps may hold: ids, names and colours, read from the files that people have.

JSON and YAML hold a list of objects, or an object with such a list under ``labels``; CSV has a header. Both know ``id``
(needed), ``name`` and ``colour`` (or ``color``), which is ``#rrggbb`` or three numbers; CSV also ``red``, ``green`` and
``blue``. A text file has one label a line: an id, a name and perhaps ``#rrggbb``, or names alone, which are then
numbered from 0. In text files, lines that begin with ``#`` and a space are comments.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.plugins import suggest
from i2i.system import safe_json, safe_yaml

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
    """The labels of a ``.json``, ``.yaml``, ``.csv`` or ``.txt`` file, in the order of their ids.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If its suffix is none of these.
        DataError: If it holds no labels, or two share an id, a name or a colour.
    """
    path = Path(path)
    where = repr(str(path))
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{where} is no list of labels by its suffix. Give one of {', '.join(READERS)}.")
    try:
        text = path.read_bytes()[: MAX_BYTES + 1].decode("utf-8-sig")
    except FileNotFoundError:
        raise MissingInputError(f"There is no {where}. Give a list of labels that is there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where} cannot be read ({error}). Give a list of labels as UTF-8 text.") from error
    if len(text) > MAX_BYTES:
        raise DataError(f"{where} is larger than {MAX_BYTES} bytes. That is no list of labels.")
    labels = reader(text, where)
    if not labels:
        raise DataError(f"{where} holds no label. Give at least one, with an id and a name.")
    _check_distinct(labels, where)
    return sorted(labels)


def _json(text: str, where: str) -> list[Label]:
    try:
        data = safe_json.load(text)
    except ValueError as error:
        raise DataError(f"{where} is no JSON ({error}).") from error
    return _listed(data, where)


def _yaml(text: str, where: str) -> list[Label]:
    return _listed(safe_yaml.load(text, where), where)


def _listed(data: Any, where: str) -> list[Label]:
    entries = data.get("labels") if isinstance(data, dict) else data
    if not isinstance(entries, list):
        raise DataError(f"{where} is no list of labels. Give a list of objects with id, name and colour.")
    return [_label(entry, f"{where}, label {number}") for number, entry in enumerate(entries, 1)]


def _csv(text: str, where: str) -> list[Label]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    known = {"id", "name", "colour", "color", "red", "green", "blue"}
    headers = [header.strip().lower() for header in rows.fieldnames or ()]
    if "id" not in headers:
        raise DataError(f"{where} has no column 'id'.{suggest('id', headers)} Its first line names the columns.")
    labels = []
    for row in rows:
        here = f"{where}, line {rows.line_num}"
        if None in row:
            raise DataError(f"{here} has more values than the first line has columns.")
        entry = {key.strip().lower(): (value or "").strip() for key, value in row.items()}
        primaries = [entry.get(primary, "") for primary in ("red", "green", "blue")]
        if any(primaries):
            entry["colour"] = " ".join(primaries)
        labels.append(_label({key: entry[key] for key in known & entry.keys() if entry[key]}, here))
    return labels


def _text(text: str, where: str) -> list[Label]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not re.match(r"#(\s|$)", line)]
    parsed = [(number, TEXT_LINE.fullmatch(line)) for number, line in lines]
    if lines and not any(match and match["id"] for _, match in parsed):
        parsed = [(number, TEXT_LINE.fullmatch(f"{place} {line}")) for place, (number, line) in enumerate(lines)]
    labels = []
    for number, match in parsed:
        if match is None or match["id"] is None:
            raise DataError(
                f"{where}, line {number} has no id, as others have. Write an id before every name, or none."
            )
        entry = {key: value for key, value in match.groupdict().items() if value}
        labels.append(_label(entry, f"{where}, line {number}"))
    return labels


TEXT_LINE = re.compile(r"(?:(?P<id>\d+)(?:[\s,:]+|$))?(?P<name>.*?)(?:[\s,:]+(?P<colour>#[0-9a-fA-F]{6}))?")

READERS: Mapping[str, Callable[[str, str], list[Label]]] = {
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
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
