"""What is wrong with a dataset, or worth knowing about it, in all its cases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.errors import things
from i2i_doctor.walk import Known

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
    images: Sequence[tuple[int, str]] = ()
    """Pair and column of the images that show it."""


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


def of_pairs(
    known: Known,
    code: str,
    severity: Severity,
    pairs: Sequence[int],
    text: str,
    remedy: str,
    describe: Callable[[int], str] = lambda _: "",
    columns: Mapping[int, Sequence[str]] = {},
) -> Iterator[Diagnosis]:
    """Make a diagnosis of pairs, if there are any.

    Args:
        known: The dataset.
        code: See `Diagnosis`.
        severity: Likewise.
        pairs: Which.
        text: What is wrong.
        remedy: What to do.
        describe: What there is to say besides the name of a pair.
        columns: Pair -> its images that are meant, where they are no pairs.
    """
    if pairs:
        shown = pairs[:EXAMPLES]
        names = [known.opened.name(pair, columns.get(pair, ())) for pair in shown]
        examples = [
            Example(name + describe(pair), known.images_of(pair)) for name, pair in zip(names, shown, strict=True)
        ]
        yield Diagnosis(code, severity, text, remedy, len(pairs), examples)


def of_images(
    known: Known, column: str, code: str, severity: Severity, mask: NDArray[np.bool_], text: str, remedy: str
) -> Iterator[Diagnosis]:
    """Make a diagnosis of the images of a column that were read, if there are any of whose pairs a mask is true.

    Args:
        known: The dataset.
        column: Where the images are.
        code: See `Diagnosis`.
        severity: Likewise.
        mask: Of each pair, whether it is true.
        text: What is wrong, with ``{images}`` for how many of which column, ``{column}``, ``{are}`` and ``{hold}``.
        remedy: What to do, with ``{range}`` for the option that declares the range of the column.
    """
    facts = known.facts[column]
    pairs = np.flatnonzero(mask & facts["read"]).tolist()
    if pairs:
        sizes = {pair: f"{facts['width'][pair]}x{facts['height'][pair]}" for pair in pairs[:EXAMPLES]}
        examples = [
            Example(f"{known.opened.name(pair, [column])}, {size}", [(pair, column)]) for pair, size in sizes.items()
        ]
        are, hold = ("is", "holds") if len(pairs) == 1 else ("are", "hold")
        text = text.format(images=f"{things(len(pairs), 'image')} of {column}", column=column, are=are, hold=hold)
        remedy = remedy.format(range=f"--set {known.opened.range_option(column)}")
        yield Diagnosis(code, severity, text, remedy, len(pairs), examples)
