"""JSON from wherever it comes: nested no deeper than people write it, and no key twice.

Everything in the tree that reads JSON reads it here, so that a file of a stranger cannot exhaust the stack or say two
things at once.
"""

import json
import re
from typing import Any

MAX_DEPTH = 50
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""Also one without an end: to look for that from each quote in it again would take a time that is quadratic."""
_BRACKET = re.compile(r"[\[{]|[\]}]")


def load(text: str | bytes) -> Any:
    """Load plain data from JSON text, or from its bytes in UTF-8.

    Raises:
        ValueError: If it is no JSON, nested deeper than `MAX_DEPTH`, or has a key twice; the message is one line and
            names no file.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    if text.count("[") + text.count("{") > MAX_DEPTH:  # else it cannot be deeper, whatever it is
        _check_depth(text)
    return _DECODER.decode(text)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub('""', text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:80]!r} is given twice")
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)  # one for all, since each takes longer to make than a line
