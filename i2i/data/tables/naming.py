"""Names for rows that were stored in a table, where images need not have any."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, overload

from i2i.images import printable

NAME_COLUMNS = ("name", "file_name", "filename", "__key__", "key", "id")
"""Columns of text that name a row, in the order in which they are looked for."""


def is_text(kind: Any) -> bool:
    """Whether an Arrow column of this type holds text."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


class Places(Sequence[str]):
    """A name for each row by its place, made when it is asked for.

    Args:
        length: How many rows there are.
        name: Row -> its name.
    """

    def __init__(self, length: int, name: Callable[[int], str]) -> None:
        self._length, self._name = length, name

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> list[str]: ...

    def __getitem__(self, row: int | slice) -> str | list[str]:
        places = range(self._length)[row]
        return printable(self._name(places)) if isinstance(places, int) else [self[place] for place in places]


def distinct(values: Iterable[object], *, files: bool) -> list[str] | None:
    """Values of a column as names of the rows, or nothing where they are no names: empty, or not all different.

    Args:
        values: One a row.
        files: Whether they are names of files, whose suffixes do not belong to the rows' names.
    """
    names = []
    for value in values:
        if not isinstance(value, str) or not (path := value.strip("/")):
            return None
        names.append(printable(PurePosixPath(path).with_suffix("").as_posix() if files else path))
    return names if len(set(names)) == len(names) else None
