"""A dataset examined: opened, measured, judged; and the same as plain data."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.errors import UsageError, things
from i2i.images.label_list import Label
from i2i.plugins import suggest
from i2i_doctor import completeness, ranges, shapes
from i2i_doctor.copies import copies, groups_of
from i2i_doctor.diagnosis import SEVERITIES, Diagnosis, Example, Severity, listed
from i2i_doctor.facts import DTYPES, Facts
from i2i_doctor.generators import Fit, fits, too_small
from i2i_doctor.known import Known
from i2i_doctor.label_maps import Declared
from i2i_doctor.opening import Opened, open_as_training
from i2i_doctor.statistics import figures
from i2i_doctor.walk import Progress, walk

QUICK = 200
"""Pairs of each split that a quick examination looks into."""

ALIGNED = 100
"""Pairs of each split whose halves are held against each other."""


@dataclass(frozen=True)
class Examination:
    """What is known of a dataset, and what is wrong with it."""

    opened: Opened
    known: Known = field(repr=False)
    diagnoses: Sequence[Diagnosis]
    """Errors first."""
    fits: Sequence[Fit]
    labels: Sequence[Label]
    seconds: float

    @property
    def layout(self) -> str:
        """What was recognised, in words."""
        return next(iter(self.opened.tables.values())).layout

    @property
    def sides(self) -> tuple[str, str]:
        """What source and target are, in words."""
        source, target = (", ".join(columns) for columns in self.opened.sides)
        return source or f"the lightness of {target}", target

    @property
    def counts(self) -> dict[Severity, int]:
        """Severity -> how many diagnoses."""
        counts = Counter(diagnosis.severity for diagnosis in self.diagnoses)
        return {severity: counts[severity] for severity in SEVERITIES}

    @property
    def pairs(self) -> dict[str, int]:
        """Split -> its pairs."""
        return {split: len(table.names) for split, table in self.opened.tables.items()}

    @property
    def looked_at(self) -> int:
        """Pairs whose images were read, or tried."""
        return int(self.known.looked_at.sum())

    def kinds(self, split: str, column: str) -> list[dict[str, Any]]:
        """Images of a column by size, channels and type, the most frequent first."""
        return kinds(self.known.facts(column)[self.known.splits[split]])

    def to_dict(self) -> dict[str, Any]:
        """Return everything that is worth keeping, as plain data: the content of ``check.json``."""
        return {
            "dataset": self.opened.root,
            "layout": self.layout,
            "source": list(self.opened.sides.source),
            "target": list(self.opened.sides.target),
            "options": dict(self.opened.options),
            "pairs": sum(self.pairs.values()),
            "looked_at": self.looked_at,
            "counts": self.counts,
            "splits": {
                split: {
                    "pairs": len(table.names),
                    "left_out": len(table.problems),
                    "images": {column: self.kinds(split, column) for column in table.columns},
                }
                for split, table in self.opened.tables.items()
            },
            "values": figures(self.known),
            "label_ids": {str(number): count for number, count in sorted(self.known.used.items())},
            "diagnoses": [_diagnosis(diagnosis) for diagnosis in self.diagnoses],
            "generators": [{**fit._asdict(), "options": dict(fit.options)} for fit in self.fits],
            "seconds": round(self.seconds, 3),
        }


def kinds(facts: Facts) -> list[dict[str, Any]]:
    """Count images by size, channels and type, the most frequent first."""
    read = facts[facts["read"]]
    fields = (read[name].tolist() for name in ("width", "height", "channels", "dtype"))
    return [
        {"width": width, "height": height, "channels": channels, "dtype": DTYPES[dtype], "images": images}
        for (width, height, channels, dtype), images in Counter(zip(*fields, strict=True)).most_common()
    ]


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    examples = [{"text": e.text, "images": [place._asdict() for place in e.places]} for e in diagnosis.examples]
    return {**diagnosis._asdict(), "examples": examples}


def examine(
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
        workers: How many processes, as many as there are cores when not given; see `i2i_doctor.walk.walk`.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset.
        UsageError: If there is no column, option or generator of that name.
        DataError: If it is not recognised as a dataset of pairs.
    """
    started = time.monotonic()
    opened = open_as_training(str(dataset), options)
    declared = _declared(labels, label_column, opened)
    rows = QUICK if quick else None
    known = walk(opened.tables, workers=workers, declared=declared, rows=rows, aligned=ALIGNED, on_progress=on_progress)
    suitable = _fits(generators, opened, known)
    found = [
        *_judged(opened, known, declared),
        *too_small(suitable if generators else ()),
        *(() if quick else completeness.changed_files(opened.root)),
        *completeness.rehearsal(opened, known),
    ]
    diagnoses = sorted(found, key=lambda diagnosis: SEVERITIES.index(diagnosis.severity))
    return Examination(opened, known, diagnoses, suitable, list(labels), time.monotonic() - started)


def _judged(opened: Opened, known: Known, declared: Declared | None) -> Iterator[Diagnosis]:
    """Ask every rule that needs nothing but what is known."""
    columns = [column for column in known.columns if known.facts(column)["read"].any()]
    for rule in (completeness.missing_splits, completeness.left_out, completeness.unreadable, completeness.noted):
        yield from rule(known)
    for column in columns:
        yield from shapes.mixed_channels(known, column)
        yield from shapes.mixed_types(known, column)
    yield from shapes.unequal_sizes(known)
    for column in columns:
        yield from shapes.odd_sizes(known, column)
    for column in columns:
        if not (declared and declared.column == column):  # ids are no brightness
            yield from ranges.unused_ranges(opened, known, column)
    yield from copies(known, groups_of(opened.root))
    yield from shapes.shifted(known)
    yield from shapes.turned(known)
    yield from _undeclared(known)


def _undeclared(known: Known) -> Iterator[Diagnosis]:
    """Find values of label maps that no label declares."""
    examples = []
    for value, pairs in sorted(known.strange.items(), key=lambda item: (-len(item[1]), item[0])):
        more = f" and {len(pairs) - 1:,} more" if len(pairs) > 1 else ""
        examples.append(Example(f"{value} in {known.name(pairs[0])}{more}", known.places(pairs[0])))
    if examples:
        text = f"Label maps hold {things(len(examples), 'value')} that no label declares."
        remedy = "Declare them in the list of labels, or mend the maps."
        yield Diagnosis("undeclared-label", "error", text, remedy, *listed(examples))


def _declared(labels: Sequence[Label], column: str | None, opened: Opened) -> Declared | None:
    if not labels:
        if column is not None:
            raise UsageError(
                f"A column of label maps is named, {column!r}, and no labels. Give the list of labels too."
            )
        return None
    if not opened.sides.source:
        raise UsageError("Labels are given, and colours=lab besides, which reads photographs. Leave one of them away.")
    there = next(iter(opened.tables.values())).columns
    if column is not None and column not in there:
        raise UsageError(f"No column {column!r}.{suggest(column, there)} Columns: {', '.join(there)}.")
    return Declared(column or opened.sides.source[0], labels)


def _fits(generators: Sequence[str], opened: Opened, known: Known) -> list[Fit]:
    """Ask generators about the sizes of the first column of each side."""
    sizes = Counter[tuple[int, int]]()
    for columns in opened.sides:
        for column in columns[:1]:
            read = known.facts(column)[known.facts(column)["read"]]
            sizes.update(zip(read["height"].tolist(), read["width"].tolist(), strict=True))
    if not opened.sides.source:
        return fits(generators, sizes, (1, 2))  # lightness, and ab
    source, target = (sum(_channels(known.facts(c)) for c in columns) for columns in opened.sides)
    return fits(generators, sizes, (source, target))


def _channels(facts: Facts) -> int:
    """Return the most channels of a column; 3 where nothing could be read."""
    return int(facts["channels"].max(initial=0)) or 3
