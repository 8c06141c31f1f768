"""What may be said about a preparation, and the command that it makes."""

import platform
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, cast, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from i2i.errors import UsageError
from i2i.images import MAX_PIXELS, printable
from i2i.images.ranges import Range, check_range
from i2i.options import check, complete, options_of
from i2i.pairs import FindingPreparer
from i2i.partners import expression
from i2i.places import without_secrets
from i2i.plugins import Provided, installed_versions
from i2i.preparation.command import OF_PAIRS, Command, identity_of
from i2i.preparation.layouts import PairFiles
from i2i.preparation.splitting import Rule, check_shares

DECIDING = ("i2i-toolkit", "numpy", "opencv-python-headless", "pillow", "torch")
"""Distributions whose version may change a bit of the result."""


Engine = Literal["local", "ray"]
"""``local``: processes of this machine. ``ray``: those of a Ray cluster."""


class Choices(TypedDict, total=False):
    """Everything that decides what a dataset is; what is left out has its default."""

    options: Mapping[str, Any]
    """Options of the preparer."""
    val: float
    """Share of the pairs for validation; 0.1."""
    test: float
    """Share of the pairs for test; 0."""
    layout: PairFiles
    """How pairs are stored; ``folders``."""
    split: Rule
    """How shares are kept; ``count``."""
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
    """Another seed, other pairs for validation and test; 0."""
    max_pixels: Annotated[int, Field(ge=1)]
    """Largest width times height of an input."""


class Means(TypedDict, total=False):
    """How the work is done, which changes nothing about the result; what is left out has its default."""

    workers: Annotated[int, Field(ge=1)] | None
    """How many processes; as many as there are cores when not given."""
    overwrite: bool
    """Start afresh where there is a dataset that i2i made or began."""
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


ALONE: Means = {
    "workers": None,
    "overwrite": False,
    "rank": 0,
    "world_size": 1,
    "engine": "local",
    "address": None,
    "work": None,
}
"""The means of one process on this machine: the defaults."""


class Wishes(Choices, Means, total=False):
    """Everything that may be said about a preparation besides the preparer, its sources and the dataset folder."""


def checked(wishes: Wishes) -> tuple[Choices, Means]:
    """The choices that were made, and all means, each of its type.

    Raises:
        UsageError: If one is unknown, or of another type.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    fields: dict[str, Any] = {name: (hint, None) for name, hint in get_type_hints(Wishes, include_extras=True).items()}
    model: type[BaseModel] = create_model("Wishes", __config__=config, **fields)
    found = check(model, wishes, "prepare")
    said = {name: getattr(found, name) for name in found.model_fields_set}
    means = {name: said.pop(name, default) for name, default in ALONE.items()}
    return cast(Choices, said), cast(Means, means)


def finds(provided: Provided) -> bool:
    """Whether a preparer finds its inputs itself."""
    return issubclass(provided.cls, FindingPreparer)


def makes_images(provided: Provided) -> bool:
    """Whether a preparer says by its type that it makes single images and no pairs."""
    makes = provided.cls.make if finds(provided) else provided.cls.__call__
    try:
        made = get_type_hints(makes).get("return")
    except (NameError, TypeError):  # a stranger's annotations; what it makes is looked at as well
        return False
    return get_origin(made) is np.ndarray


def command_for(name: str, provided: Provided, sources: Sequence[str | Path], choices: Choices) -> Command:
    """The complete command.

    Raises:
        UsageError: If a choice is wrong, or has no meaning for this preparer.
    """
    val, test, seed = choices.get("val", 0.1), choices.get("test", 0.0), choices.get("seed", 0)
    check_shares(val, test)
    options = dict(choices.get("options", {}))
    shared = {"seed": seed, "val": val, "test": test, "range": choices.get("ranges") or None}
    shared["max_pixels"] = choices.get("max_pixels", MAX_PIXELS)
    own = options_of(provided.cls).model_fields
    options = {option: shared[option] for option in own if option in shared} | options
    for key in ("group", "match"):
        if text := choices.get(key):
            expression(str(text), f"--{key}")
    if finds(provided):
        _refuse_choices_about_files(name, choices, own)
    if makes_images(provided) and (flags := pairs_only(choices)):
        raise UsageError(f"preparer {name!r} makes images and no pairs, which {flags} is about. Leave it out.")
    options = complete(provided.cls, options, f"preparer {name!r}")
    unrecorded = {option: options.pop(option) for option in getattr(provided.cls, "unrecorded", ())}
    return Command(
        preparer=name,
        options=options,
        unrecorded=unrecorded,
        files=_files(provided, options),
        layout=choices.get("layout", "folders"),
        val=val,
        test=test,
        split=choices.get("split", "count"),
        group=choices.get("group", ""),
        match=choices.get("match", ""),
        range=_ranges(name, provided, choices.get("ranges", ())),
        seed=seed,
        max_pixels=None if finds(provided) else choices.get("max_pixels", MAX_PIXELS),
        licence=choices.get("licence", ""),
        attribution=choices.get("attribution", ""),
        sources=tuple(printable(without_secrets(str(source))) for source in sources),
        versions=_versions(provided),
    )


def pairs_only(choices: Choices) -> str:
    """The flags that were chosen and are about pairs."""
    return " and ".join(f"--{key}" for key in OF_PAIRS if key in choices)


def _refuse_choices_about_files(name: str, choices: Choices, own: Container[str]) -> None:
    """Refuse what is about image files, for a preparer without them, unless it has an option of that name."""
    for key, flag in (("match", "match"), ("ranges", "range"), ("max_pixels", "max-pixels")):
        if choices.get(key) and flag.replace("-", "_") not in own:
            raise UsageError(f"preparer {name!r} finds its inputs itself, so that --{flag} has no meaning.")


def _files(provided: Provided, options: Mapping[str, Any]) -> dict[str, str]:
    """What is at each path among the options; of an option that may be text too, only where it names a file."""
    fields = options_of(provided.cls).model_fields
    files = {}
    for name, value in options.items():
        annotation = fields[name].annotation
        if value is None or not _holds(Path, annotation):
            continue
        paths = [Path(item) for item in (value if isinstance(value, list) else [value])]
        if not _holds(str, annotation) or all(path.is_file() for path in paths):
            files[name] = identity_of(paths)
    return files


def _holds(kind: type, annotation: Any) -> bool:
    return annotation is kind or any(_holds(kind, part) for part in get_args(annotation))


def _ranges(name: str, provided: Provided, ranges: Sequence[Range]) -> tuple[Range, ...]:
    wanted = len(getattr(provided.cls, "inputs", ()))
    # a preparer that finds its inputs itself knows how many ranges they have
    if not finds(provided) and len(ranges) > 1 and len(ranges) != wanted:
        raise UsageError(f"{len(ranges)} ranges are given for {wanted} inputs. Give one for all, or one for each.")
    return tuple(check_range(value_range) for value_range in ranges)


def _versions(provided: Provided) -> dict[str, str]:
    own = {"python": platform.python_version(), provided.distribution: provided.version}
    return own | installed_versions(DECIDING)
