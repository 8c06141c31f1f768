"""Which generators the images of a dataset fit, by what each says of itself."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from i2i import safe_json, safe_yaml
from i2i.cli.inventory import fingerprint, store
from i2i.errors import I2iError, UsageError
from i2i.options import build, complete
from i2i.plugins import catalogue, lookup
from i2i.system.files import user_cache
from i2i_doctor.diagnosis import Diagnosis
from i2i_doctor.walk import Known


class Fit(NamedTuple):
    """How the sizes of the images suit a generator."""

    generator: str
    options: Mapping[str, Any]
    """Those that were given."""
    multiple: int
    """Height and width must be divisible by this."""
    fitting: int
    """How many images are, as they are stored."""
    images: int
    largest: int
    """The largest square that every image can be cropped to, for ``--size`` of ``i2i train``; 0 if there is none."""
    problem: str = ""
    """Why it could not be asked."""


def fits(wanted: Sequence[str], known: Known) -> list[Fit]:
    """Ask generators about the sizes of the first column of each side.

    Args:
        wanted: Generators, each perhaps with options: ``unet`` or ``unet,depth=7``. All that are installed when empty.
        known: The dataset.

    Raises:
        UnknownNameError: If a wanted one is not installed.
        UsageError: If an option is wrong.
    """
    sizes = Counter[tuple[int, int]]()
    for columns in known.opened.sides:
        for facts in (known.facts[column] for column in columns[:1]):
            sizes.update(zip(*(facts[side][facts["read"]].tolist() for side in ("height", "width")), strict=True))
    if known.opened.sides.source:
        source, target = (sum(_channels(known, column) for column in columns) for columns in known.opened.sides)
    else:
        source, target = 1, 2  # lightness, and ab
    if wanted:
        return [_fit(*_parse(text), sizes, (source, target)) for text in wanted]
    return [
        _suited(name, {}, answer, sizes) if isinstance(answer, int) else Fit(name, {}, 0, 0, sizes.total(), 0, answer)
        for name, answer in _answers((source, target)).items()
    ]


def _answers(channels: tuple[int, int]) -> dict[str, int | str]:
    """Return of every generator what sizes must be divisible by, or why it could not be asked.

    To ask them imports torch, which takes longer than to check a small set: what they said is kept on this disk.
    """
    if "torch" in sys.modules:
        return _asked(channels)
    cache, key = user_cache("generators.json"), fingerprint()
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = safe_json.load(cache.read_bytes())
        if stored["installed"] == key and stored["channels"] == [*channels]:
            return {str(name): answer if isinstance(answer, int) else str(answer) for name, answer in stored["answers"]}
    answers = _asked(channels)
    with suppress(OSError):
        store(cache, {"installed": key, "channels": channels, "answers": [*answers.items()]})
    return answers


def _asked(channels: tuple[int, int]) -> dict[str, int | str]:
    answers = dict[str, int | str]()
    for name in catalogue("generator"):
        try:
            answers[name] = _multiple(name, {}, channels)
        except I2iError as error:  # one that needs options says so; the others are not the worse for it
            answers[name] = str(error)
    return answers


def _channels(known: Known, column: str) -> int:
    """Return the most channels of a column, of class ids one a class; 3 where nothing could be read."""
    if (classes := known.opened.classes.get(column)) and classes.number:
        return classes.number
    return int(known.facts[column]["channels"].max(initial=0)) or 3


def too_small(found: Sequence[Fit]) -> Iterator[Diagnosis]:
    """Find generators that take no square that every image can be cropped to."""
    for fit in found:
        if fit.images and not fit.largest:
            least = f"{fit.multiple} pixels, the least that generator {fit.generator!r} takes"
            remedy = "Training enlarges them, unless data.resize is keep; then choose a smaller step, or larger images."
            yield Diagnosis("small-for-generator", "warning", f"Some images are smaller than {least}.", remedy)


def _parse(text: str) -> tuple[str, dict[str, Any]]:
    """Parse name and options of ``NAME,OPTION=VALUE,...``; values are read as YAML."""
    name, *assignments = text.split(",")
    options = {}
    for assignment in assignments:
        option, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"{assignment!r} is not OPTION=VALUE. Such as: --generator {name},depth=7.")
        options[option] = safe_yaml.load(value, f"--generator {name}, {option}")
    return name, options


def _fit(name: str, options: Mapping[str, Any], sizes: Counter[tuple[int, int]], channels: tuple[int, int]) -> Fit:
    return _suited(name, options, _multiple(name, options, channels), sizes)


def _multiple(name: str, options: Mapping[str, Any], channels: tuple[int, int]) -> int:
    """Return what height and width must be divisible by."""
    cls, owner = lookup("generator", name).cls, f"generator {name!r}"
    from i2i.system.unfilled import unfilled  # loads torch, which workers do without

    with unfilled(owner):
        network = build(cls, *channels, options=complete(cls, options, owner), owner=owner)
    return int(getattr(network, "size_multiple", 1))


def _suited(name: str, options: Mapping[str, Any], multiple: int, sizes: Counter[tuple[int, int]]) -> Fit:
    fitting = sum(count for size, count in sizes.items() if not any(side % multiple for side in size))
    least = min((min(size) for size in sizes), default=0)
    return Fit(name, options, multiple, fitting, sizes.total(), least - least % multiple)
