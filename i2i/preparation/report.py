"""The report: what became of every input, one line of ``report.jsonl`` each, their sums, and checksums."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from i2i.errors import DataError
from i2i.prepared import IMAGES, REPORT
from i2i.splits import SPLITS, Split
from i2i.system.files import sha256_of

HALF_TURNED = "only some of its images were turned upright by their EXIF orientation"
"""Note about a pair: a map that was drawn on the pixels as stored lies across."""


class Strict(BaseModel):
    """A line of JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Strict):
    """A file that belongs to an input."""

    name: str
    """Relative to the sources, printable."""
    bytes: int
    """0 where the file could not be asked."""
    sha256: str = ""
    """Not known of a file that was not read, since something else was wrong."""


class Output(Strict):
    """A file that was made."""

    file: str
    """Relative to the split's folder, such as ``imageA/0001.png``; of an image that is no pair, to the dataset's."""
    bytes: int
    sha256: str
    height: int
    width: int
    channels: int
    dtype: str


class Row(Strict):
    """What became of one input: an image, or the images that belong together."""

    name: str
    status: Literal["made", "skipped", "rejected"]
    reason: str = ""
    """A short code, by which inputs are counted."""
    message: str = ""
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    stamps: tuple[str, ...] = ()
    """What the input was when it was done: size and time of change of each source, or the hash of what was found."""
    contents: tuple[str, ...] = ()
    """Checksums of the files that were read and of the pixels that were made, 32 hexadecimal digits each: what no pair
    of another split may have. Images of one colour have none, unless the pair has no others."""
    likeness: tuple[str, ...] = ()
    """What its images look like, the source first: miniatures in Base64, of those that show enough to be known by; see
    `i2i.images.near_copies`."""
    group: str = ""
    split: Split | None = None
    outputs: tuple[Output, ...] = ()
    metadata: dict[str, Any] = {}
    """What the preparer knows about the pair."""

    @property
    def is_pair(self) -> bool:
        """Return whether a pair was made and not one image alone."""
        return bool(self.outputs) and not self.outputs[0].file.startswith(f"{IMAGES}/")

    def to_line(self) -> bytes:
        """Return the row as it stands in the report."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


def place_of(row: Row, output: Output) -> str:
    """Return where a file that was made lies, relative to the dataset."""
    return f"{row.split}/{output.file}" if row.split else output.file


def read_rows(path: Path) -> Iterator[Row]:
    """Read the rows of a report, one at a time.

    Raises:
        DataError: If the report is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                yield Row.model_validate_json(line)
    except (OSError, ValidationError):
        raise DataError(f"{str(path)!r} is missing or damaged. Prepare the dataset again in another folder.") from None


class Damage(NamedTuple):
    """A file that is not as it was made."""

    file: str
    """Relative to the dataset."""
    kind: Literal["missing", "damaged"]


def verify(folder: Path) -> list[Damage]:
    """Compare every file of a dataset that `prepare` made with its checksum in ``report.jsonl``.

    Decoders accept most flipped bits; this finds each.

    Args:
        folder: The dataset.

    Returns:
        The files that are missing, or have other bytes; a file that cannot be read is damaged.

    Raises:
        DataError: If the report is missing or damaged.
    """
    damages = []
    for row in read_rows(folder / REPORT):
        for output in row.outputs:
            file = place_of(row, output)
            try:
                if sha256_of(folder / file) != output.sha256:
                    damages.append(Damage(file, "damaged"))
            except OSError as error:
                damages.append(Damage(file, "missing" if isinstance(error, FileNotFoundError) else "damaged"))
    return damages


@dataclass
class ImageCounts:
    """How many images there are of one type, and of which sizes."""

    images: int = 0
    heights: tuple[int, int] = (1 << 62, 0)
    widths: tuple[int, int] = (1 << 62, 0)

    def add(self, output: Output) -> None:
        """Count an image."""
        self.images += 1
        self.heights = min(self.heights[0], output.height), max(self.heights[1], output.height)
        self.widths = min(self.widths[0], output.width), max(self.widths[1], output.width)


@dataclass
class Tally:
    """Sums over rows that are never in memory together."""

    inputs: int = 0
    """Everything that was found."""
    made: int = 0
    """Pairs, or images that are no pairs."""
    of_pairs: bool = True
    splits: Counter[Split] = field(default_factory=lambda: Counter(dict.fromkeys(SPLITS, 0)))
    """Split -> its pairs."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason -> how many things were found that are no images, or have nothing to learn from."""
    rejected: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Reason -> names of the images that could not be used."""
    messages: dict[str, str] = field(default_factory=dict)
    """Reason of a rejection -> what was said about the first input."""
    half_turned: int = 0
    """Pairs of which only some images were turned upright."""
    kinds: list[dict[tuple[str, int], ImageCounts]] = field(default_factory=list)
    """For each file of a pair: type and number of channels -> what images there are."""

    def add(self, row: Row) -> None:
        """Count a row."""
        self.inputs += 1
        if row.status == "skipped":
            self.skipped[row.reason] += 1
        elif row.status == "rejected":
            self.rejected[row.reason].append(row.name)
            self.messages.setdefault(row.reason, row.message)
        else:
            self.made += 1
            self.half_turned += HALF_TURNED in row.notes
            if row.split is None:
                self.of_pairs = False
            else:
                self.splits[row.split] += 1
            while len(self.kinds) < len(row.outputs):
                self.kinds.append({})
            for kinds, output in zip(self.kinds, row.outputs, strict=False):
                kinds.setdefault((output.dtype, output.channels), ImageCounts()).add(output)


def tally_of(rows: Iterable[Row]) -> Tally:
    """Return the sums over rows."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


@dataclass(kw_only=True)
class Report(Tally):
    """What a preparation did."""

    folder: Path
    resumed: int = 0
    """Inputs that an earlier, interrupted run had done."""
    seconds: float = 0.0
    shards: int = 0
    """Into how many shards the work was cut; 0 where the dataset was there already."""
    missing: int = 0
    """Shards that other processes have still to do; the dataset is not there before."""
    finished: bool = True
    """Whether the dataset is there. Without one missing shard it is not yet, while another process finishes it."""
    remarks: tuple[str, ...] = ()
    """What the user should know of the sources."""

    @property
    def rows(self) -> list[Row]:
        """Read the rows, one an input, by name, from ``report.jsonl``; none before the dataset is finished.

        Raises:
            DataError: If the report is damaged.
        """
        return list(read_rows(self.folder / REPORT)) if self.finished else []

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain data."""
        return {
            "folder": str(self.folder),
            "inputs": self.inputs,
            "made": self.made,
            "skipped": dict(sorted(self.skipped.items())),
            "rejected": dict(sorted(self.rejected.items())),
            "splits": dict(self.splits),
            "resumed": self.resumed,
            "missing_shards": self.missing,
            "finished": self.finished,
            "seconds": round(self.seconds, 3),
            "remarks": list(self.remarks),
        }
