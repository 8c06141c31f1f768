"""Which column is the source and which the target: the names that datasets give them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from i2i.errors import DataError, UsageError, suggest
from i2i.prepared import HALVES
from i2i.splits import SPLIT_NAMES, our_name


class Columns(NamedTuple):
    """Columns of the source and of the target; several are concatenated on channels."""

    source: tuple[str, ...]
    target: tuple[str, ...]


PAIRS = (
    HALVES,
    ("A", "B"),
    ("input_image", "edited_image"),
    ("original_image", "edited_image"),
    ("source", "target"),
    ("input", "output"),
    ("input", "target"),
    ("conditioning_image", "image"),
    ("label", "photo"),
)
"""Names that are understood without a word, A before B. Those of a dataset on the left come first."""


def find_pair(columns: Sequence[str]) -> tuple[str, str] | None:
    """Return the first of `PAIRS` that is among the columns."""
    return next((pair for pair in PAIRS if set(pair) <= set(columns)), None)


def among(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the columns that the user named, if all are there, or else a pair of known names; none without either."""
    if wanted:
        return list(dict.fromkeys(wanted)) if set(wanted) <= set(there) else []
    return list(find_pair(there) or ())


def images_among(there: Sequence[str], wanted: Sequence[str], where: str) -> list[str]:
    """Return as `among`, of a file or set that holds images in these columns.

    Raises:
        UsageError: If a column that the user named is not there.
    """
    if missing := next((name for name in wanted if name not in there), None):
        raise UsageError(f"{where} has no images in a column {missing!r}.{suggest(missing, there)}")
    return among(there, wanted)


def choose(
    columns: Sequence[str], source: Sequence[str], target: Sequence[str], direction: str, *, target_alone: bool = False
) -> Columns:
    """Choose what the user named, or else the pair that is found.

    Args:
        columns: Those that there are.
        source: Those the user named; empty for none.
        target: Likewise.
        direction: ``AtoB``, or ``BtoA`` to swap the pair that is found.
        target_alone: Whether the source is no column, but made of the target.

    Raises:
        UsageError: If a name is not there, or only one side is named.
        DataError: If nothing is named and no pair is found.
    """
    if target_alone:
        if source:
            raise UsageError("With colours=lab the source is the target's lightness. Leave dataset.source away.")
        return choose(columns, target, target, direction)._replace(source=())
    if source or target:
        if not (source and target):
            raise UsageError("Columns of the source or of the target are named. Name both, or none of them.")
        if direction != "AtoB":
            raise UsageError("Columns are named, and a direction besides. Name them the other way round instead.")
        for name in (*source, *target):
            if name not in columns:
                raise UsageError(f"No column {name!r}.{suggest(name, columns)} Columns: {', '.join(columns)}.")
        return Columns(tuple(source), tuple(target))
    if (pair := find_pair(columns)) is None:
        known = ", ".join("/".join(pair) for pair in PAIRS)
        there = ", ".join(columns) or "none"
        raise DataError(f"Which column is the source? There are: {there}. Name source and target (known: {known}).")
    a, b = pair
    return Columns((a,), (b,)) if direction == "AtoB" else Columns((b,), (a,))


SPLIT = "split"


@lru_cache
def split_column(columns: tuple[str, ...]) -> str | None:
    """Return the column that says each row's split: the one that is called so, however it is spelt.

    Example:
        >>> split_column(("source", " Split")), split_column(("source", "fold"))
        (' Split', None)
    """
    return next((name for name in columns if name.strip().lower() == SPLIT), None)


def names_split(value: object) -> bool:
    """Check whether a value is what a split is called."""
    return isinstance(value, str) and our_name(value.strip()) in SPLIT_NAMES


def refuse_hidden_splits(where: str, columns: Mapping[str, Iterable[object]], split: str) -> None:
    """Stop at a column of another name than `SPLIT` all of whose values are names of splits.

    Args:
        where: Whose columns they are.
        columns: Column -> the different values in it.
        split: What the rows are read as; a column that says nothing else says nothing new.

    Raises:
        DataError: If there is one.
    """
    for column, different in columns.items():
        values = sorted({str(value) if names_split(value) else "" for value in different})
        if values and all(values) and {our_name(value.strip()) for value in values} != {our_name(split)}:
            raise DataError(
                f"{where} has no column {SPLIT!r}, but {column!r} holds names of splits ({', '.join(values)}). Call it "
                f"{SPLIT!r} if it says which row is for what; otherwise rename its values."
            )
