"""A dataset examined: opened, measured, judged."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from i2i.data.checks.checksums import checksums
from i2i.data.checks.copies import copies
from i2i.data.checks.diagnosis import SEVERITIES, Diagnosis, Severity
from i2i.data.checks.facts import DTYPES, SplitFacts
from i2i.data.checks.generators import Fit, fits
from i2i.data.checks.idmaps import Declared
from i2i.data.checks.measuring import Progress, measure
from i2i.data.checks.opening import Subject
from i2i.data.checks.ranges import values
from i2i.data.checks.rules import alignment, completeness, label_ids, readability, shapes
from i2i.data.tables.columns import Columns
from i2i.data.tables.contract import Table
from i2i.devices import available_cpus
from i2i.errors import DataError, I2iError, UsageError
from i2i.labels import Label
from i2i.options import build
from i2i.plugins import lookup, suggest

QUICK = 200
"""Pairs of each split that a quick examination looks into."""

ALIGNED = 100
"""Pairs of each split whose halves are held against each other."""


@dataclass(frozen=True)
class Examination:
    """What is known of a dataset, and what is wrong with it."""

    dataset: str
    layout: str
    """What was recognised, in words."""
    columns: Columns
    """Which columns are source and target; no source where training computes it from the target."""
    options: Mapping[str, Any]
    """Those of the dataset ``pairs`` that were given."""
    splits: Mapping[str, SplitFacts]
    diagnoses: Sequence[Diagnosis]
    """Errors first."""
    fits: Sequence[Fit]
    labels: Sequence[Label]
    seconds: float

    @property
    def sides(self) -> tuple[str, str]:
        """What source and target are, in words."""
        source, target = (", ".join(columns) for columns in self.columns)
        return source or f"the lightness of {target}", target

    @property
    def counts(self) -> dict[Severity, int]:
        """Severity -> how many diagnoses."""
        counts = Counter(diagnosis.severity for diagnosis in self.diagnoses)
        return {severity: counts[severity] for severity in SEVERITIES}

    @property
    def pairs(self) -> int:
        """Rows of all splits."""
        return sum(len(facts.names) for facts in self.splits.values())

    @property
    def looked_at(self) -> int:
        """Rows whose images were read, or tried."""
        return sum(facts.looked_at for facts in self.splits.values())

    def to_dict(self) -> dict[str, Any]:
        """Everything that is worth keeping, as plain data: the content of ``check.json``."""
        return {
            "dataset": self.dataset,
            "layout": self.layout,
            "source": list(self.columns.source),
            "target": list(self.columns.target),
            "options": dict(self.options),
            "pairs": self.pairs,
            "looked_at": self.looked_at,
            "counts": self.counts,
            "splits": {split: _split(facts) for split, facts in self.splits.items()},
            "diagnoses": [_diagnosis(diagnosis) for diagnosis in self.diagnoses],
            "generators": [{**fit._asdict(), "options": dict(fit.options)} for fit in self.fits],
            "seconds": round(self.seconds, 3),
        }


def _split(facts: SplitFacts) -> dict[str, Any]:
    return {
        "pairs": len(facts.names),
        "looked_at": facts.looked_at,
        "left_out": len(facts.problems),
        "images": {column: kinds(facts, column) for column in facts.columns},
        "label_ids": {str(number): count for number, count in sorted(facts.used.items())},
    }


def kinds(facts: SplitFacts, column: str) -> list[dict[str, Any]]:
    """Images of a column by size, channels and type, the most frequent first."""
    read = facts.facts[column][facts.facts[column]["read"]]
    fields = (read[name].tolist() for name in ("width", "height", "channels", "dtype"))
    found = Counter(zip(*fields, strict=True)).most_common()
    return [
        {"width": width, "height": height, "channels": channels, "dtype": DTYPES[dtype], "images": images}
        for (width, height, channels, dtype), images in found
    ]


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    examples = [
        {"text": example.text, "images": [place._asdict() for place in example.places]}
        for example in diagnosis.examples
    ]
    return {**diagnosis._asdict(), "examples": examples}


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
        root,
        options,
        tables,
        workers=workers or available_cpus(),
        declared=declared,
        rows=QUICK if quick else None,
        aligned=ALIGNED,
        on_progress=on_progress or _silent,
    )
    suitable = _fits(generators, known, columns)
    found = chain(
        completeness(known),
        readability(known),
        shapes(known),
        values(known, declared.column if declared else None),
        copies(known),
        alignment(known),
        label_ids(known),
        _generators(suitable if generators else ()),
        () if quick else checksums(root),
        _training(root, tables, options),
    )
    diagnoses = sorted(found, key=lambda diagnosis: SEVERITIES.index(diagnosis.severity))
    layout, seconds = first.layout, time.monotonic() - started
    return Examination(root, layout, columns, options, known, diagnoses, suitable, list(labels), seconds)


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


def _generators(suitable: Sequence[Fit]) -> Iterator[Diagnosis]:
    for fit in suitable:
        if fit.images and not fit.largest:
            text = (
                f"Some images are smaller than {fit.multiple} pixels, the least that generator {fit.generator!r} takes."
            )
            remedy = (
                "Nothing, if training may enlarge them; otherwise choose options with a smaller step, or larger images."
            )
            yield Diagnosis("small-for-generator", "warning", text, remedy, 1)


def _training(root: str, tables: Mapping[str, Table], options: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """Whether the reader that training uses takes the dataset."""
    for split in ("train", "val"):
        if split in tables:
            try:
                pairs = build(
                    lookup("dataset", "pairs").cls,
                    root,
                    split,
                    options=options,
                    owner="dataset 'pairs'",
                )
                if not len(pairs):
                    raise DataError(f"the split {split!r} is empty.")
                pairs[0]
            except I2iError as error:
                text = f"`i2i train` would stop at the split {split!r}: {error}"
                yield Diagnosis("training-stops", "error", text, "Mend what is named here and above.", 1)
