"""Settings of a preparation: what may be asked for besides the preparer, its sources and the dataset folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from i2i.errors import UsageError, suggest
from i2i.images import MAX_PIXELS
from i2i.options import options_of
from i2i.pairs import Range
from i2i.plugins import lookup
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


BOTH = ("seed", "val", "test", "range", "max_pixels")
"""Settings that are also options of any preparer that draws, divides or reads a dataset: one value for both."""

TAKEN = ("name", "sources", "out", "dry_run", "quiet", "json", "on_progress")
"""What else is called by name beside the options of a preparer, by the command or by `i2i.prepare`."""


def own_options(name: str) -> dict[str, FieldInfo]:
    """Return the options of a preparer that are no settings.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If one has a name that is taken.
    """
    fields = options_of(lookup("preparer", name).cls).model_fields
    own = {option: field for option, field in fields.items() if option not in BOTH}
    if clashes := own.keys() & {*Settings.model_fields, *TAKEN}:
        raise UsageError(f"preparer {name!r} has the option {min(clashes)!r}, which is one of `i2i prepare` itself.")
    return own


def divide(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Divide what was given into settings and, as ``options``, what is the preparer's own.

    Args:
        name: The preparer.
        given: By name; ``range`` is two numbers, a text ``LOW:HIGH``, or several of these.

    Raises:
        UnknownNameError: If there is no such preparer.
        UsageError: If nothing has one of the names, or a range cannot be read.
    """
    own = own_options(name)
    known = [*own, *(setting for setting in Settings.model_fields if setting != "options")]
    for option in given:
        if option not in known:
            near = suggest(option, known)
            raise UsageError(f"preparer {name!r}: no option {option!r}.{near} Options: {', '.join(known)}.")
    settings = {option: value for option, value in given.items() if option not in own}
    if "range" in settings:
        settings["range"] = _ranges(settings["range"])
    return settings | {"options": {option: value for option, value in given.items() if option in own}}


def _ranges(given: Any) -> Any:
    """Read one range or several; what is neither stays as it is, to be refused with the other settings."""
    if not isinstance(given, Sequence):
        return given
    one = isinstance(given, str) or (len(given) == 2 and not any(isinstance(each, str | Sequence) for each in given))
    return [_range(each) if isinstance(each, str) else each for each in ([given] if one else given)]


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise UsageError(f"--range {text!r} is no range. Give two numbers, such as 0:4095.") from None
