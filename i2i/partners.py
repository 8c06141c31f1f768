"""Images of several folders that belong together: by their names, or by an expression that their paths share."""

import re
from collections.abc import Sequence

from i2i.errors import UsageError

NUMBERS = (r"(\d+)", r"(\d+)\D*$", r"^\D*(\d+\D+\d+)\D*$")
"""Expressions to propose, simplest first: the first number of a path, the last, two numbers and what is between."""


def expression(text: str, flag: str) -> "re.Pattern[str]":
    """Compile a regular expression with a group.

    Raises:
        UsageError: If it is none, or has no group.
    """
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise UsageError(f"{flag} {text!r} is no regular expression: {error}.") from None
    if not compiled.groups:
        raise UsageError(f"{flag} {text!r} has no group. Put parentheses around what names share, as in '([^_]+)_'.")
    return compiled


def propose(sides: Sequence[Sequence[str]]) -> str | None:
    r"""Find an expression whose first group makes partners of all paths; nothing where none does.

    Args:
        sides: Paths of each folder, relative to it and without suffix.

    Example:
        >>> propose([["left_17", "left_18"], ["17-right", "18-right"]])
        '(\\d+)'
        >>> propose([["anna_A", "ben_A"], ["anna_B", "ben_B"]])
        '^(.+?)(?:_A|_B)$'
    """
    if len(sides) < 2 or not sides[0] or len({len(side) for side in sides}) > 1:
        return None
    for text in (*NUMBERS, *_affixes(sides)):
        keys = [[match[1] for path in side if (match := re.search(text, path))] for side in sides]
        whole = set(keys[0])
        if all(
            len(side) == len(key) == len(whole) and set(key) == whole for side, key in zip(sides, keys, strict=True)
        ):
            return text
    return None


def _affixes(sides: Sequence[Sequence[str]]) -> list[str]:
    """Return expressions for what is between the beginning and the end that all paths of a folder share."""
    ends = [_shared([path[::-1] for path in side])[::-1] for side in sides]
    starts = [_shared(side) for side in sides]
    before, behind = _either(starts), _either(ends)
    return [f"^(.+?){behind}$", f"^{before}(.+)$", f"^{before}(.+?){behind}$"]


def _shared(paths: Sequence[str]) -> str:
    """Return the beginning that all paths share, up to its last sign that is neither letter nor number."""
    first, last = min(paths), max(paths)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return re.sub(r"[^\W_]*$", "", first[:length])


def _either(affixes: Sequence[str]) -> str:
    return f"(?:{'|'.join(re.escape(affix) for affix in dict.fromkeys(affixes))})"
