"""What is wrong with a dataset, or worth knowing about it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from i2i_doctor.facts import Place

Severity = Literal["error", "warning", "note"]
"""``error``: training would fail, lose something, or measure what it was trained on. ``warning``: it would run, and
probably not do what is wanted. ``note``: worth knowing."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
EXAMPLES = 12
"""Most examples of one diagnosis that are kept."""


class Example(NamedTuple):
    """One case."""

    text: str
    """Its names, and what is particular about it; printable."""
    places: tuple[Place, ...] = ()
    """Images that show it."""


class Diagnosis(NamedTuple):
    """One thing that is wrong, in all its cases."""

    code: str
    """For programs, such as ``no-partner``."""
    severity: Severity
    text: str
    """What is wrong, in one sentence."""
    remedy: str
    """What to do."""
    total: int
    """How many cases there are."""
    examples: Sequence[Example] = ()
    """The first of them."""
