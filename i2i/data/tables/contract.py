"""What every layout can be read as."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from i2i.images import Picture


class Problem(NamedTuple):
    """Something that is in a dataset and cannot be a row of it."""

    name: str
    reason: str
    """A short code: ``no-partner``, ``several-partners``, ``bad-row``, ..."""
    message: str
    """One line: what is wrong, where, and what to do."""


class Table(Protocol):
    """One split: a fixed sequence of rows, each with an image in every column. Nothing is decoded until it is read."""

    layout: str
    """What was recognised, in words that a person understands."""
    names: Sequence[str]
    """One a row, printable and all different."""
    columns: Sequence[str]
    """Such as ``imageA`` and ``imageB``."""
    problems: Sequence[Problem]
    """Everything that was left out of the rows."""

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read.
        """
        ...

    def picture(self, row: int, column: str) -> Picture:
        """The image, decoded, with all the channels and bits that it has.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read or decoded; the message names the row.
        """
        ...
