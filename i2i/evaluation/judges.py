"""The folder of a judge: segmenters that learned from the same real photographs, each from a seed of its own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from i2i import __version__, safe_json
from i2i.errors import DataError
from i2i.options import validate
from i2i.system.files import write_atomically

FILE = "judge.json"
FORMAT = 1
MAX_BYTES = 1_000_000
"""Of that file; most take 2,000."""


class Segmenter(BaseModel):
    """One of a judge's models."""

    model_config = ConfigDict(extra="forbid")

    seed: NonNegativeInt
    model: Annotated[str, Field(pattern=r"^[\w-]+$")]
    """Its folder in the judge's: a run, or a model folder."""
    figures: dict[str, dict[str, float]] = {}
    """Split -> figure -> what it finds in real photographs."""


class Judge(BaseModel):
    """``judge.json``."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    i2i: str = __version__
    classes: PositiveInt
    size: tuple[PositiveInt, PositiveInt]
    """Height and width that it looks at."""
    data: str
    """What it learned from."""
    training: dict[str, Any]
    """Settings of its runs, but for the seed."""
    segmenters: Annotated[list[Segmenter], Field(min_length=1)]

    def figures(self, split: str) -> dict[str, list[float]]:
        """Return what each segmenter finds in real photographs of a split, by figure; nothing where it has none."""
        known = [segmenter.figures[split] for segmenter in self.segmenters if split in segmenter.figures]
        return {name: [each[name] for each in known] for name in (known[0] if known else ())}


def is_judge(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a judge's."""
    return (Path(path) / FILE).is_file()


def write_judge(folder: Path, judge: Judge) -> None:
    """Write or replace what a judge is.

    Raises:
        OutputError: If it cannot be written.
    """
    write_atomically(folder / FILE, f"{judge.model_dump_json(indent=2)}\n".encode())


def read_judge(folder: Path) -> Judge:
    """Read what a judge is.

    Raises:
        DataError: If the file is damaged.
        UsageError: If it says something that this i2i does not know.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            values = safe_json.load(file.read(MAX_BYTES))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {path}: {error}.") from None
    if not isinstance(values, Mapping) or values.get("format") != FORMAT:
        raise DataError(f"{path} is no judge of this i2i. Train one: i2i judge train.")
    return validate(Judge, values, str(path))
