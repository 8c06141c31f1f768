"""What tables have in common whose images lie in them as the bytes of files."""

from abc import abstractmethod
from collections.abc import Sequence
from io import BytesIO

from i2i.data.tables.contract import Problem
from i2i.images import Header, Picture, Range, decode, read_header

DECLARE = "Declare its range (source_range or target_range of the dataset)"
REMEDY = "Store the bytes of each image of a row in a column of its own; paths, arrays and lists are not read."
"""What to do about a set without columns of images."""


class EncodedTable:
    """A `Table` that only has to say where its bytes are.

    Args:
        layout: See `Table`.
        names: See `Table`.
        columns: See `Table`.
        problems: See `Table`.
    """

    def __init__(
        self, layout: str, names: Sequence[str], columns: Sequence[str], problems: Sequence[Problem] = ()
    ) -> None:
        self.layout, self.names, self.columns, self.problems = layout, names, columns, problems

    @abstractmethod
    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file; see `Table`."""

    def where(self, row: int, column: str) -> str:
        """What errors call an image."""
        return f"{column} of {self.names[row]!r}"

    def header(self, row: int, column: str) -> Header:
        """What the image's file says about it; see `Table`."""
        return read_header(BytesIO(self.encoded(row, column)), self.where(row, column))

    def picture(self, row: int, column: str, *, value_range: Range | None = None) -> Picture:
        """The decoded image; see `Table`."""
        return decode(self.encoded(row, column), self.where(row, column), value_range=value_range, declare=DECLARE)
