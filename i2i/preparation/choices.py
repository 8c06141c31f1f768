"""What may be chosen about a preparation, and the command that it makes."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from i2i.errors import UsageError
from i2i.images import MAX_PIXELS, printable
from i2i.images.ranges import Range, check_range
from i2i.options import check, complete, options_of
from i2i.pairs import FindingPreparer
from i2i.plugins import Provided
from i2i.preparation.command import OF_PAIRS, Command, identity_of
from i2i.preparation.inputs import expression
from i2i.preparation.layouts import Layout
from i2i.preparation.listing import is_url
from i2i.preparation.splitting import Rule, check_shares

DECIDING = ("i2i", "numpy", "opencv-python-headless", "pillow", "torch")
"""Distributions whose version may change a bit of the result."""


class Choices(TypedDict, total=False):
    """Everything that decides what a dataset is; what is left out has its default."""

    options: Mapping[str, Any]
    """Options of the preparer."""
    val: float
    """Share of the pairs for validation; 0.1."""
    test: float
    """Share of the pairs for test; 0."""
    layout: Layout
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


def checked(choices: Choices) -> Choices:
    """The choices, each of its type.

    Raises:
        UsageError: If one is unknown, or of another type.
    """
    hints = get_type_hints(Choices, include_extras=True)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    fields: dict[str, Any] = {name: (hint, None) for name, hint in hints.items()}
    model: type[BaseModel] = create_model("Choices", __config__=config, **fields)
    found = check(model, choices, "prepare")
    return cast(Choices, {name: getattr(found, name) for name in found.model_fields_set})


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
    shared = {"seed": seed, "val": val, "test": test}
    options = {name: shared[name] for name in options_of(provided.cls).model_fields if name in shared} | options
    for key in ("group", "match"):
        if text := choices.get(key):
            expression(str(text), f"--{key}")
    if finds(provided):
        _refuse_choices_about_files(name, choices)
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


def without_secrets(source: str) -> str:
    """A source as it may be published: of an address, no user, no password and no values behind the question mark.

    Example:
        >>> without_secrets("https://ada:pw@tiles.org/{z}/{x}/{y}?key=123&v=2")
        'https://tiles.org/{z}/{x}/{y}?key=...&v=...'
    """
    if not is_url(source):
        return source
    scheme, rest = source.split("://", 1)
    place, question, query = rest.partition("?")
    host, slash, path = place.partition("/")
    fields = "&".join(f"{field.partition('=')[0]}=..." for field in query.split("&")) if query else ""
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}{question}{fields}"


def pairs_only(choices: Choices) -> str:
    """The flags that were chosen and are about pairs."""
    return " and ".join(f"--{key}" for key in OF_PAIRS if key in choices)


def _refuse_choices_about_files(name: str, choices: Choices) -> None:
    for key, flag in (("match", "--match"), ("ranges", "--range"), ("max_pixels", "--max-pixels")):
        if choices.get(key):
            raise UsageError(f"preparer {name!r} finds its inputs itself, so that {flag} has no meaning.")


def _files(provided: Provided, options: Mapping[str, Any]) -> dict[str, str]:
    """What is at each path among the options."""
    fields = options_of(provided.cls).model_fields
    files = {}
    for name, value in options.items():
        if value is not None and _holds_path(fields[name].annotation):
            files[name] = identity_of(map(Path, value if isinstance(value, list) else [value]))
    return files


def _holds_path(annotation: Any) -> bool:
    return annotation is Path or any(map(_holds_path, get_args(annotation)))


def _ranges(name: str, provided: Provided, ranges: Sequence[Range]) -> tuple[Range, ...]:
    wanted = len(getattr(provided.cls, "inputs", ()))
    if len(ranges) > 1 and len(ranges) != wanted:
        raise UsageError(f"{len(ranges)} ranges are given for {wanted} inputs. Give one for all, or one for each.")
    return tuple(check_range(value_range) for value_range in ranges)


def _versions(provided: Provided) -> dict[str, str]:
    versions = {"python": platform.python_version(), provided.distribution: provided.version}
    for distribution in DECIDING:
        try:
            versions[distribution] = version(distribution)
        except PackageNotFoundError:  # opencv has four distributions
            continue
    return versions
