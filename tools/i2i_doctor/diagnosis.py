"""What is wrong with a dataset, or worth knowing about it, in all its cases."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_doctor.known import Known, Place

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


class Cases(NamedTuple):
    """How many there are, and the first of them."""

    total: int
    examples: Sequence[Example]


class Diagnosis(NamedTuple):
    """One thing that is wrong, in all its cases."""

    code: str
    """For programs, such as ``no-partner``."""
    severity: Severity
    text: str
    """What is wrong, in one sentence."""
    remedy: str
    """What to do."""
    total: int = 1
    """How many cases there are."""
    examples: Sequence[Example] = ()
    """The first of them."""


def listed(examples: Sequence[Example]) -> Cases:
    """Return examples as cases."""
    return Cases(len(examples), examples[:EXAMPLES])


def pairs_of(known: Known, pairs: Sequence[int], text: Callable[[int], str]) -> Cases:
    """Return pairs as cases, each described by a function and shown with all its images."""
    return Cases(len(pairs), [Example(text(pair), known.places(pair)) for pair in pairs[:EXAMPLES]])


def images_of(known: Known, column: str, mask: NDArray[np.bool_]) -> Cases:
    """Return the images of a column of which something is true as cases.

    Args:
        known: The dataset.
        column: Where the images are.
        mask: Of each pair, whether it is true; images that could not be read do not count.
    """
    facts = known.facts(column)
    pairs = np.flatnonzero(mask & facts["read"]).tolist()
    sizes = [f"{facts[pair]['width']}x{facts[pair]['height']}" for pair in pairs[:EXAMPLES]]
    named = zip(pairs, sizes, strict=False)
    return Cases(len(pairs), [Example(f"{known.name(p)}, {size}", known.places(p, [column])) for p, size in named])


def are(count: int) -> str:
    """Return the verb that fits."""
    return "is" if count == 1 else "are"


def hold(count: int) -> str:
    """Return the verb that fits."""
    return "holds" if count == 1 else "hold"
