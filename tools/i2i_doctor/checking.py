"""A dataset examined: opened, measured, judged."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from i2i.data.tables.names import Columns
from i2i.errors import UsageError
from i2i.images.label_list import Label
from i2i.plugins import suggest
from i2i.system.devices import available_cpus
from i2i_doctor.checksums import checksums
from i2i_doctor.copies import copies
from i2i_doctor.diagnosis import SEVERITIES
from i2i_doctor.examination import Examination
from i2i_doctor.facts import SplitFacts
from i2i_doctor.generators import Fit, fits, too_small
from i2i_doctor.groups import groups_of
from i2i_doctor.idmaps import Declared
from i2i_doctor.measuring import Progress, measure
from i2i_doctor.opening import Subject
from i2i_doctor.ranges import values
from i2i_doctor.rehearsal import rehearsal
from i2i_doctor.rules import alignment, completeness, label_ids, readability, shapes

QUICK = 200
"""Pairs of each split that a quick examination looks into."""

ALIGNED = 100
"""Pairs of each split whose halves are held against each other."""


def check(
    dataset: str | Path,
    *,
    labels: Sequence[Label] = (),
    label_column: str | None = None,
    generators: Sequence[str] = (),
    options: Mapping[str, Any] = {},
    quick: bool = False,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> Examination:
    """Examine a dataset. Nothing is written, and no decoded image is kept.

    Args:
        dataset: A folder or whatever else `i2i train` reads.
        labels: What label maps may hold; they are not checked when empty.
        label_column: The column of the label maps; the source when not given.
        generators: Generators whose sizes are asked about, such as ``unet`` or ``unet,depth=7``; all when empty.
        options: Those of the dataset ``pairs``, such as ``{"direction": "BtoA"}``, as training would be given them.
        quick: Look into 200 evenly spread pairs of each split only.
        workers: How many processes; as many as there are cores when not given.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset.
        UsageError: If there is no column, option or generator of that name.
        DataError: If it is not recognised as a dataset of pairs.
    """
    started = time.monotonic()
    root = str(dataset)
    subject = Subject(root, options)
    tables = subject.splits()
    first = next(iter(tables.values()))
    columns = subject.columns(first)
    declared = _declared(labels, label_column, columns, first.columns)
    known = measure(
        tables,
        workers=workers or available_cpus(),
        declared=declared,
        rows=QUICK if quick else None,
        aligned=ALIGNED,
        on_progress=on_progress or _silent,
    )
    groups = groups_of(root)
    for facts in known.values():
        facts.groups = groups
    suitable = _fits(generators, known, columns)
    found = chain(
        completeness(known),
        readability(known),
        shapes(known),
        values(known, declared.column if declared else None),
        copies(known),
        alignment(known),
        label_ids(known),
        too_small(suitable if generators else ()),
        () if quick else checksums(root),
        rehearsal(root, options, columns, known),
    )
    diagnoses = sorted(found, key=lambda diagnosis: SEVERITIES.index(diagnosis.severity))
    layout, seconds = first.layout, time.monotonic() - started
    return Examination(root, layout, columns, options, tables, known, diagnoses, suitable, list(labels), seconds)


def _silent(done: int, total: int) -> None:
    pass


def _declared(labels: Sequence[Label], column: str | None, columns: Columns, known: Sequence[str]) -> Declared | None:
    if not labels:
        if column is not None:
            raise UsageError(
                f"A column of label maps is named, {column!r}, and no labels. Give the list of labels too."
            )
        return None
    if not columns.source:
        raise UsageError("Labels are given, and colours=lab besides, which reads photographs. Leave one of them away.")
    if column is not None and column not in known:
        raise UsageError(f"No column {column!r}.{suggest(column, known)} Columns: {', '.join(known)}.")
    return Declared(column or columns.source[0], labels)


def _fits(generators: Sequence[str], known: Mapping[str, SplitFacts], columns: Columns) -> list[Fit]:
    sizes = Counter[tuple[int, int]]()
    for column in (*columns.source[:1], *columns.target[:1]):
        for facts in known.values():
            read = facts.facts[column][facts.facts[column]["read"]]
            sizes.update(zip(read["height"].tolist(), read["width"].tolist(), strict=True))
    if not columns.source:
        return fits(generators, sizes, (1, 2))  # lightness, and ab
    return fits(generators, sizes, (_channels(known, columns.source), _channels(known, columns.target)))


def _channels(known: Mapping[str, SplitFacts], columns: Sequence[str]) -> int:
    """Channels of a side, whose columns are concatenated; 3 each where nothing could be read."""
    return sum(max(int(f.facts[c]["channels"].max(initial=0)) for f in known.values()) or 3 for c in columns)
