"""Whether training would begin: its own reader is asked for the first pair of each split."""

from collections.abc import Iterator, Mapping
from typing import Any

from i2i.data.dataset import open_pairs
from i2i.data.tables.names import Columns
from i2i.errors import DataError, I2iError
from i2i_doctor.cases import Known
from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.facts import SplitFacts


def rehearsal(root: str, options: Mapping[str, Any], columns: Columns, known: Known) -> Iterator[Diagnosis]:
    """Splits that training would read, and at which it would stop.

    Args:
        root: The dataset.
        options: Those of the dataset ``pairs``.
        columns: Its sides.
        known: The splits.
    """
    for split in ("train", "val"):
        if split in known:
            try:
                pairs = open_pairs(root, split, options={**measured_channels(columns, known[split]), **options})
                if not len(pairs):
                    raise DataError(f"the split {split!r} is empty.")
                pairs[0]
            except I2iError as error:
                text = f"`i2i train` would stop at the split {split!r}: {error}"
                yield Diagnosis("training-stops", "error", text, "Mend what is named here and above.", 1)


def measured_channels(columns: Columns, facts: SplitFacts) -> dict[str, list[int]]:
    """Options that say the channels of each side, where all its images were measured: no header is read for them.

    They are those of the first image that is not gray; see `i2i.data.dataset.Pairs`.
    """
    said = {}
    for option, names in zip(("source_channels", "target_channels"), columns, strict=True):
        if names and all(facts.facts[name]["read"].all() for name in names):
            found = [facts.facts[name]["channels"].tolist() for name in names]
            said[option] = [next((count for count in counts if count > 1), 1) for counts in found]
    return said
