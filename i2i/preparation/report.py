"""What became of every input: the lines of ``report.jsonl``, and their sums."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from i2i.pairs import SPLITS, Split


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Line):
    """A file that was read."""

    name: str
    """Relative to the sources, printable."""
    bytes: int
    sha256: str


class Output(_Line):
    """A file that was made."""

    file: str
    """Relative to the split's folder, such as ``imageA/0001.png``."""
    sha256: str
    height: int
    width: int
    channels: int
    dtype: str


class Row(_Line):
    """What became of one input: an image, or the images that belong together."""

    name: str
    status: Literal["made", "skipped", "rejected"]
    reason: str = ""
    """A short code, by which inputs are counted."""
    message: str = ""
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    split: Split | None = None
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a preparation did."""

    folder: Path
    rows: list[Row]
    """One an input, by name."""
    resumed: int
    """Inputs that an earlier, interrupted run had done."""
    seconds: float

    @property
    def made(self) -> int:
        """Pairs in the dataset."""
        return sum(row.status == "made" for row in self.rows)

    @property
    def skipped(self) -> dict[str, int]:
        """Reason -> how many things were found that are no images."""
        return dict(sorted(Counter(row.reason for row in self.rows if row.status == "skipped").items()))

    @property
    def rejected(self) -> dict[str, list[str]]:
        """Reason -> names of the images that could not be used."""
        names = defaultdict(list)
        for row in self.rows:
            if row.status == "rejected":
                names[row.reason].append(row.name)
        return dict(sorted(names.items()))

    @property
    def splits(self) -> dict[Split, int]:
        """Split -> its pairs."""
        counts = Counter(row.split for row in self.rows)
        return {split: counts[split] for split in SPLITS}

    def to_dict(self) -> dict[str, Any]:
        """The sums as plain data."""
        return {
            "folder": str(self.folder),
            "inputs": len(self.rows),
            "made": self.made,
            "skipped": self.skipped,
            "rejected": self.rejected,
            "splits": self.splits,
            "resumed": self.resumed,
            "seconds": round(self.seconds, 3),
        }
