"""A dataset examined: opened, measured, judged; and the same as plain data."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from i2i.errors import DataError, MissingSplitError, UsageError, suggest
from i2i.images.label_list import Label
from i2i_doctor import columns, completeness, pairs
from i2i_doctor.diagnosis import SEVERITIES, Diagnosis, Severity
from i2i_doctor.facts import DTYPES
from i2i_doctor.generators import Fit, fits, too_small
from i2i_doctor.opening import Opened, open_as_training
from i2i_doctor.walk import Declared, Known, Progress, walk

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
        """Return what was recognised, in words."""
        return next(iter(self.opened.tables.values())).layout

    @property
    def sides(self) -> tuple[str, str]:
        """Return what source and target are, in words."""
        source, target = (", ".join(columns) for columns in self.opened.sides)
        return source or f"the lightness of {target}", target

    @property
    def rows(self) -> str:
        """Return what rows are called: pairs, or rows where images are none."""
        return "pairs" if self.opened.dataset == "pairs" else "rows"

    @property
    def counts(self) -> dict[Severity, int]:
        """Count the diagnoses of each severity."""
        counts = Counter(diagnosis.severity for diagnosis in self.diagnoses)
        return {severity: counts[severity] for severity in SEVERITIES}

    @property
    def pairs(self) -> dict[str, int]:
        """Split -> its pairs."""
        return {split: len(table.names) for split, table in self.opened.tables.items()}

    @property
    def kinds(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Split -> column -> its images by size, channels and type, the most frequent first."""
        return {split: {c: self._kinds(split, c) for c in self.opened.columns_of(split)} for split in self.pairs}

    def _kinds(self, split: str, column: str) -> list[dict[str, Any]]:
        facts = self.known.facts[column][self.opened.splits[split]]
        fields = (facts[name][facts["read"]].tolist() for name in ("width", "height", "channels", "dtype"))
        return [
            {"width": width, "height": height, "channels": channels, "dtype": DTYPES[dtype], "images": images}
            for (width, height, channels, dtype), images in Counter(zip(*fields, strict=True)).most_common()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything that is worth keeping, as plain data: the content of ``check.json``."""
        kinds = self.kinds
        return {
            "dataset": self.opened.root,
            "layout": self.layout,
            "read_by": self.opened.dataset,
            "source": list(self.opened.sides.source),
            "target": list(self.opened.sides.target),
            "options": dict(self.opened.options),
            "pairs": len(self.opened),
            "looked_at": self.known.looked_at,
            "counts": self.counts,
            "splits": {
                split: {"pairs": len(table.names), "left_out": len(table.problems), "images": kinds[split]}
                for split, table in self.opened.tables.items()
            },
            "values": self.known.figures(),
            "label_ids": {str(number): count for number, count in sorted(self.known.labels.items())},
            "diagnoses": [self._plain(diagnosis) for diagnosis in self.diagnoses],
            "generators": [{**fit._asdict(), "options": dict(fit.options)} for fit in self.fits],
            "seconds": round(self.seconds, 3),
        }

    def _plain(self, diagnosis: Diagnosis) -> dict[str, Any]:
        def image(pair: int, column: str) -> dict[str, Any]:
            split, row = self.opened.locate(pair)
            return {"split": split, "row": row, "column": column}

        examples = [{"text": e.text, "images": [image(*each) for each in e.images]} for e in diagnosis.examples]
        return {**diagnosis._asdict(), "examples": examples}


def examine(
    dataset: str | Path,
    *,
    labels: Sequence[Label] = (),
    label_column: str | None = None,
    generators: Sequence[str] = (),
    options: Mapping[str, Any] = {},
    reader: str | None = None,
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
        options: Those of the dataset, such as ``{"direction": "BtoA"}``, as training would be given them.
        reader: The dataset that reads it, ``pairs`` or ``unpaired``; found out when not given.
        quick: Look into 200 evenly spread pairs of each split only.
        workers: How many processes, as many as there are cores when not given; see `i2i_doctor.walk.walk`.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset.
        UsageError: If there is no column, option or generator of that name.
        DataError: If it is not recognised as a dataset of pairs.
    """
    started = time.monotonic()
    opened = open_as_training(str(dataset), options, reader)
    declared = _declared(labels, label_column, opened)
    rows, aligned = QUICK if quick else None, ALIGNED if opened.dataset == "pairs" else 0
    known = walk(opened, workers=workers, declared=declared, rows=rows, aligned=aligned, on_progress=on_progress)
    suitable = fits(generators, known)
    found = [
        *_judged(known, declared.column if declared else None),
        *too_small(suitable if generators else ()),
        *(() if quick else completeness.changed_files(known)),
        *completeness.rehearsal(known),
    ]
    diagnoses = sorted(found, key=lambda diagnosis: SEVERITIES.index(diagnosis.severity))
    return Examination(opened, known, diagnoses, suitable, list(labels), time.monotonic() - started)


def statistics_of(
    dataset: str | Path,
    *,
    split: str | None = None,
    options: Mapping[str, Any] = {},
    reader: str | None = None,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure a dataset: one entry for each column, type and number of channels; see `i2i_doctor.walk.Known`.

    Args:
        dataset: A folder or whatever else `i2i train` reads.
        split: Only this one; all when not given.
        options: Those of the dataset, as training would be given them.
        reader: As for `examine`.
        workers: How many processes, as many as there are cores when not given; see `i2i_doctor.walk.walk`.
        on_progress: Told how many pairs are done, and how many there are.

    Raises:
        MissingInputError: If there is no dataset, or no such split.
        DataError: If it is not recognised, holds nothing, or an image cannot be read.
    """
    opened = open_as_training(str(dataset), options, reader)
    if split is not None:
        if split not in opened.tables:
            raise MissingSplitError(f"{dataset} has no split {split!r}, it has {', '.join(opened.tables)}.")
        opened = replace(opened, tables={split: opened.tables[split]})
    if not len(opened):
        raise DataError(f"{dataset} holds no pairs. `i2i data check` says why.")
    known = walk(opened, workers=workers, on_progress=on_progress)
    for fault in known.faults:
        name = opened.name(fault.pair, [fault.column])
        raise DataError(f"{name}: {fault.message} `i2i data check` names all that cannot be read.")
    return known.figures()


def _judged(known: Known, label_column: str | None) -> Iterator[Diagnosis]:
    """Ask every rule that needs nothing but what is known."""
    for rule in (completeness.missing_splits, completeness.left_out, completeness.unreadable, completeness.noted):
        yield from rule(known)
    for column in (column for column, facts in known.facts.items() if facts["read"].any()):
        yield from columns.mixed_kinds(known, column)
        yield from columns.odd_sizes(known, column)
        if column != label_column and column not in known.opened.classes:  # ids are no brightness
            yield from columns.unused_ranges(known, column)
    together = (pairs.unequal_sizes, pairs.shifted, pairs.half_turned) if known.opened.dataset == "pairs" else ()
    for rule in (pairs.copies, *together, pairs.undeclared_labels):
        yield from rule(known)


def _declared(labels: Sequence[Label], column: str | None, opened: Opened) -> Declared | None:
    """Return what label maps may hold, and where they are.

    Raises:
        UsageError: If there is no such column, or labels and their column do not go together.
    """
    if not labels:
        if column is not None:
            raise UsageError(f"A column of label maps is named, {column!r}, and no labels. Give the list of labels.")
        return None
    if not opened.sides.source:
        raise UsageError("Labels are given, and colours=lab besides, which reads photographs. Leave one of them away.")
    there = [*opened.ranges]
    if column is not None and column not in there:
        raise UsageError(f"No column {column!r}.{suggest(column, there)} Columns: {', '.join(there)}.")
    return Declared(column or opened.sides.source[0], labels)
