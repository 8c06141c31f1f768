"""What the columns of a set are read as: which field they make, as images or as class ids, in which range."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from i2i import images
from i2i.data.tables.table import Table
from i2i.errors import UsageError
from i2i.fields import Column, Kind
from i2i.images import Range
from i2i.prepared import Classes

Counts = PositiveInt | tuple[PositiveInt | None, ...] | None
Ranges = Range | tuple[Range | None, ...] | None


class Extra(BaseModel):
    """A field besides source and target, of one column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    kind: Literal["image", "ids"] = "image"
    classes: NonNegativeInt = 0
    """Of ids, how many there are; 0 where they are no classes, such as instances."""
    channels: PositiveInt | None = None
    range: Range | None = None


class Composed(NamedTuple):
    """What a field is put together of."""

    columns: tuple[Column, ...]
    """Concatenated on channels."""
    classes: Classes | None = None
    """Of class ids; None of images."""

    @property
    def kind(self) -> Kind:
        """Return what it is."""
        return "image" if self.classes is None else "ids"


def composed(
    field: str, table: Table, names: Sequence[str], channels: Counts, ranges: Ranges, classes: Classes | None
) -> Composed:
    """Return a field with what was declared of each of its columns, and else their channels as they are found.

    Raises:
        UsageError: If what was declared does not go together.
    """
    if classes is not None:
        if len(names) > 1 or channels is not None or ranges is not None:
            raise UsageError(f"Class ids of {field} are one column, without channels or a range. Leave those away.")
        return Composed((Column(name=names[0], channels=1),), classes)
    counts = channels if isinstance(channels, tuple) else (channels,) * len(names)
    _check_count(f"{field}_channels", counts, names)
    return Composed(
        tuple(
            Column(name=name, channels=count or table.channels(name, declared=span is not None), range=span)
            for (name, span), count in zip(declared_ranges(field, names, ranges).items(), counts, strict=True)
        )
    )


def classes_of(
    names: Sequence[str], said: int | None, void: int | None, known: Mapping[str, Classes]
) -> Classes | None:
    """Return which class ids the columns of a field hold: as is said, else as is known of the set; None of images.

    Args:
        names: The columns.
        said: The number of classes that the user said, 0 for ids that are no classes.
        void: The id of what has no class.
        known: What the set says of its columns; see `i2i.data.tables.ab.classes_in`.
    """
    card = known.get(names[0]) if len(names) == 1 else None
    if said is None and card is None:
        return None
    void = card.void if void is None and card else void
    return Classes(card.number if said is None and card else said or 0, void)


def declared_ranges(field: str, names: Sequence[str], ranges: Ranges) -> dict[str, Range | None]:
    """Map each column to its declared range; two numbers are one range for all.

    Args:
        field: ``source`` or ``target``, for errors.
        names: Its columns.
        ranges: What was declared.

    Raises:
        UsageError: If a range is none, or there is not one a column.
    """
    match ranges:
        case None:
            return dict.fromkeys(names)
        case (int() | float() as low, int() | float() as high):
            return dict.fromkeys(names, images.check_range((low, high)))
    _check_count(f"{field}_range", ranges, names)
    return {name: images.check_range(span) if span else None for name, span in zip(names, ranges, strict=True)}


def _check_count(option: str, given: Sequence[object], names: Sequence[str]) -> None:
    if len(given) != len(names):
        raise UsageError(f"{option} has {len(given)} entries for {len(names)} columns. Give one a column.")
