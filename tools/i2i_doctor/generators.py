"""Which generators the images of a dataset fit, by what each says of itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from i2i import safe_yaml
from i2i.errors import I2iError, UsageError
from i2i.options import build, complete
from i2i.plugins import catalogue, lookup
from i2i_doctor.diagnosis import Diagnosis


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


def fits(wanted: Sequence[str], sizes: Mapping[tuple[int, int], int], channels: tuple[int, int]) -> list[Fit]:
    """What each generator makes of the sizes.

    Args:
        wanted: Generators, each perhaps with options: ``unet`` or ``unet,depth=7``. All that are installed when empty.
        sizes: (height, width) -> how many images.
        channels: Of the source and of the target.

    Raises:
        UnknownNameError: If a wanted one is not installed.
        UsageError: If an option is wrong.
    """
    if wanted:
        return [_fit(*parse_generator(text), sizes, channels) for text in wanted]
    found = []
    for name in catalogue("generator"):
        try:
            found.append(_fit(name, {}, sizes, channels))
        except I2iError as error:  # one that needs options says so; the others are not the worse for it
            found.append(Fit(name, {}, 0, 0, sum(sizes.values()), 0, str(error)))
    return found


def too_small(found: Sequence[Fit]) -> Iterator[Diagnosis]:
    """Generators that take no square that every image can be cropped to."""
    for fit in found:
        if fit.images and not fit.largest:
            text = (
                f"Some images are smaller than {fit.multiple} pixels, the least that generator {fit.generator!r} takes."
            )
            remedy = "Training enlarges them, unless data.resize is keep; then choose a smaller step, or larger images."
            yield Diagnosis("small-for-generator", "warning", text, remedy, 1)


def parse_generator(text: str) -> tuple[str, dict[str, Any]]:
    """Parse name and options of ``NAME,OPTION=VALUE,...``; values are read as YAML.

    Raises:
        UsageError: If it is not of that form.

    Example:
        >>> parse_generator("unet,depth=7")
        ('unet', {'depth': 7})
    """
    name, *assignments = text.split(",")
    options = {}
    for assignment in assignments:
        option, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"{assignment!r} is not OPTION=VALUE. Such as: --generator {name},depth=7.")
        options[option] = safe_yaml.load(value, f"--generator {name}, {option}")
    return name, options


def _fit(name: str, options: Mapping[str, Any], sizes: Mapping[tuple[int, int], int], channels: tuple[int, int]) -> Fit:
    multiple = _multiple(name, options, channels)
    fitting = sum(count for size, count in sizes.items() if not (size[0] % multiple or size[1] % multiple))
    least = min((min(size) for size in sizes), default=0)
    return Fit(name, options, multiple, fitting, sum(sizes.values()), least - least % multiple)


def _multiple(name: str, options: Mapping[str, Any], channels: tuple[int, int]) -> int:
    cls, owner = lookup("generator", name).cls, f"generator {name!r}"
    from i2i.system.unfilled import unfilled  # loads torch, which workers do without

    with unfilled(owner):
        network = build(cls, *channels, options=complete(cls, options, owner), owner=owner)
    return int(getattr(network, "size_multiple", 1))
