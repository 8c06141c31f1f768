"""What may be chosen about a preparation, and the command that it makes."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict

from i2i.errors import UsageError
from i2i.images import MAX_PIXELS, printable
from i2i.images.ranges import Range, check_range
from i2i.options import complete, options_of
from i2i.pairs import FindingPreparer
from i2i.plugins import Provided
from i2i.preparation.dataset import OF_PAIRS, Command
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
    max_pixels: int
    """Largest width times height of an input."""


def finds(provided: Provided) -> bool:
    """Whether a preparer finds its inputs itself."""
    return issubclass(provided.cls, FindingPreparer)


def command_for(name: str, provided: Provided, sources: Sequence[str | Path], choices: Choices) -> Command:
    """The complete command.

    Raises:
        UsageError: If a choice is wrong, or has no meaning for this preparer.
    """
    val, test, seed = choices.get("val", 0.1), choices.get("test", 0.0), choices.get("seed", 0)
    check_shares(val, test)
    options = dict(choices.get("options", {}))
    if "seed" in options_of(provided.cls).model_fields:
        options.setdefault("seed", seed)
    for key, flag in (("group", "--group"), ("match", "--match")):
        if text := choices.get(key):
            expression(str(text), flag)
            if finds(provided):
                raise UsageError(f"preparer {name!r} finds its inputs itself, so that {flag} has no meaning.")
    options = complete(provided.cls, options, f"preparer {name!r}")
    unrecorded = {option: options.pop(option) for option in getattr(provided.cls, "unrecorded", ())}
    return Command(
        preparer=name,
        options=options,
        unrecorded=unrecorded,
        layout=choices.get("layout", "folders"),
        val=val,
        test=test,
        split=choices.get("split", "count"),
        group=choices.get("group", ""),
        match=choices.get("match", ""),
        range=_ranges(name, provided, choices.get("ranges", ())),
        seed=seed,
        max_pixels=choices.get("max_pixels", MAX_PIXELS),
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


def _ranges(name: str, provided: Provided, ranges: Sequence[Range]) -> tuple[Range, ...]:
    wanted = len(getattr(provided.cls, "inputs", ()))
    if ranges and not wanted:
        raise UsageError(f"preparer {name!r} finds its inputs itself, so that --range has no meaning.")
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
