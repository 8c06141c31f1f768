"""Settings of a preparation: what may be asked for besides the preparer, its sources and the dataset folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from i2i.images import MAX_PIXELS
from i2i.images.ranges import Range
from i2i.options import validate
from i2i.preparation.layouts import PairFiles
from i2i.preparation.splitting import Rule

Engine = Literal["local", "ray"]
"""``local``: processes of this machine. ``ray``: those of a Ray cluster."""


class Settings(TypedDict, total=False):
    """What the dataset is to be, and from ``workers`` on how the work is done, which changes nothing about it."""

    options: Mapping[str, Any]
    """Options of the preparer."""
    val: float
    """Share of the pairs for validation."""
    test: float
    """Share of the pairs for test."""
    layout: PairFiles
    """How pairs are stored."""
    split: Rule
    """How shares are kept."""
    group: str
    """Regular expression whose first group is shared by the names of pairs that stay in one split."""
    match: str
    """Regular expression whose first group is shared by the paths of images that belong together."""
    ranges: Sequence[Range]
    """Values that stand for -1 and 1: of all inputs, or of each."""
    licence: str
    """Licence of the sources, for ``dataset.yaml``."""
    attribution: str
    """Whom to name, for ``dataset.yaml``."""
    seed: int
    """Another seed, other pairs for validation and test."""
    max_pixels: Annotated[int, Field(ge=1)]
    """Largest width times height of an input."""

    workers: Annotated[int, Field(ge=1)] | None
    """How many processes; as many as there are cores when not given."""
    overwrite: bool
    """Remove the dataset that i2i made or began there, and start afresh."""
    rank: int
    """Which part of the work this process does, counted from 0."""
    world_size: Annotated[int, Field(ge=1)]
    """How many processes do one part each, on one shared folder."""
    engine: Engine
    """What does the work."""
    address: str | None
    """Of the Ray cluster; one is started on this machine when not given."""
    work: Path | None
    """Folder in which a dataset is made that is then uploaded; one in the user's cache when not given."""


DEFAULTS: Settings = {
    "options": {},
    "val": 0.1,
    "test": 0.0,
    "layout": "folders",
    "split": "count",
    "group": "",
    "match": "",
    "ranges": (),
    "licence": "",
    "attribution": "",
    "seed": 0,
    "max_pixels": MAX_PIXELS,
    "workers": None,
    "overwrite": False,
    "rank": 0,
    "world_size": 1,
    "engine": "local",
    "address": None,
    "work": None,
}


def validate_settings(given: Settings) -> Settings:
    """Validate settings.

    Returns:
        Those that were given, each of its type.

    Raises:
        UsageError: If one is unknown, or of another type.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    hints = get_type_hints(Settings, include_extras=True)
    fields: dict[str, Any] = {name: (hint, None) for name, hint in hints.items()}
    model: type[BaseModel] = create_model("Settings", __config__=config, **fields)
    found = validate(model, given, "prepare")
    return cast(Settings, {name: getattr(found, name) for name in found.model_fields_set})
