"""Settings of a preparation: what may be asked for besides the preparer, its sources and the dataset folder."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from i2i.images import MAX_PIXELS
from i2i.pairs import Range
from i2i.preparation.splitting import Rule

PairFiles = Literal["folders", "ab"]
"""``folders``: ``imageA/NAME.png`` and ``imageB/NAME.png``. ``ab``: ``NAME.png`` with A on the left, B on the right."""


class Settings(BaseModel):
    """What the dataset is to be, and from ``workers`` on how the work is done, which is recorded nowhere.

    Each but ``options`` is a flag of ``i2i prepare``, whose help it describes here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    options: dict[str, Any] = {}
    """Options of the preparer."""
    val: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the pairs for validation."""
    test: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the pairs for test."""
    layout: PairFiles = "folders"
    """Two folders imageA and imageB, or one file with A on the left and B on the right."""
    split: Rule = "count"
    """Exact shares, or each pair by its own hash, so that more images never move the others."""
    group: str = ""
    """Regular expression. Pairs whose names agree in its first group stay in one split."""
    match: str = ""
    """Regular expression. Images of several folders whose paths agree in its first group belong together; without it,
    those whose paths are the same but for the suffix."""
    range: tuple[Range, ...] = ()
    """Values that stand for black and white; once, or once for each input."""
    seed: int = 0
    """Of the split, and of what a preparer draws at random."""
    max_pixels: Annotated[int, Field(ge=1)] | None = MAX_PIXELS
    """Largest image that is read, in pixels."""
    licence: str = ""
    """Licence of the sources, for dataset.yaml."""
    attribution: str = ""
    """Whom to name, for dataset.yaml."""

    workers: Annotated[int, Field(ge=1)] | None = Field(None, exclude=True)
    """Processes; the result does not depend on it. As many as there are cores where not given."""
    rank: Annotated[int, Field(ge=0)] = Field(0, exclude=True)
    """Which part of the work to do, from 0."""
    world_size: Annotated[int, Field(ge=1)] = Field(1, exclude=True)
    """How many processes do one part each, on one shared folder."""
    engine: Literal["local", "ray"] = Field("local", exclude=True)
    """Processes of this machine, or of a Ray cluster."""
    address: str | None = Field(None, exclude=True)
    """Address of the Ray cluster; one is started on this machine where not given."""
    work: Path | None = Field(None, exclude=True)
    """Folder to work in when OUT is an address; one in the user's cache where not given."""
    overwrite: bool = Field(False, exclude=True)
    """Remove the dataset in OUT and start afresh."""
