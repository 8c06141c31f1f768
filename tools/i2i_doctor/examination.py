"""What the doctor knows of a dataset when it is done, and the same as plain data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from i2i.data.tables.names import Columns
from i2i.data.tables.table import Table
from i2i.images.label_list import Label
from i2i_doctor.diagnosis import SEVERITIES, Diagnosis, Severity
from i2i_doctor.facts import DTYPES, SplitFacts
from i2i_doctor.generators import Fit


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
    tables: Mapping[str, Table] = field(repr=False)
    """Split -> its images."""
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
