"""What every layout is read as: rows of images by column."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

from i2i.images import MAX_PIXELS, Header, Limit, Picture, Range, read, read_header
from i2i.pairs import Block, Reading
from i2i.prepared import HALVES

LIMIT = Limit(MAX_PIXELS, "--set dataset.max_pixels")
"""How large images of datasets may be unless somebody says otherwise."""
DECLARE = "Declare its range (source_range or target_range of the dataset)"


LayoutName = Literal["manifest", "folders", "twofolders", "parquet", "webdataset", "hub", "datafiles", "ab"]
LayoutChoice = LayoutName | Literal["auto"]
"""A layout, or that it be found out."""
LAYOUTS: dict[LayoutName, str] = {
    "manifest": "a list of files, as metadata.jsonl, manifest.jsonl or manifest.csv",
    "folders": f"{HALVES[0]}/NAME and {HALVES[1]}/NAME in each split's folder",
    "twofolders": "trainA/NAME and trainB/NAME, or A/train/NAME and B/train/NAME, or A/NAME and B/NAME",
    "parquet": "Parquet files with the images in their columns",
    "webdataset": "WebDataset shards, .tar files",
    "hub": "a dataset of the Hugging Face Hub, hf://USER/NAME, or what the datasets library saved on disk",
    "datafiles": "files that README.md names for each split, or Arrow files",
    "ab": "A|B files, NAME in each split's folder, A left and B right",
}
"""In the order in which they are looked for, after files that ``README.md`` names: what says how data is meant before
what suggests it, and A|B files last, since they are any images in a folder."""


class Problem(NamedTuple):
    """Something that is in a dataset and cannot be a row of it."""

    name: str
    reason: str
    """A short code: ``no-partner``, ``bad-row``, ..."""
    message: str
    """One line: what is wrong, where, and what to do."""


class Table(ABC):
    """One split: a fixed sequence of rows, each with an image in every column. Nothing is decoded until it is read.

    Args:
        layout: What was recognised, in words that a person understands.
        names: One a row, printable and all different.
        columns: Such as ``imageA`` and ``imageB``.
        problems: Everything that was left out of the rows.
    """

    blocks: Sequence[Block] = ()
    """Neighbouring rows that are read together; none where every row is as quick to read as any other."""
    _keys: Sequence[str] = ()

    def __init__(
        self, layout: str, names: Sequence[str], columns: Sequence[str], problems: Sequence[Problem] = ()
    ) -> None:
        self.layout, self.names, self.columns, self.problems = layout, names, columns, problems

    @property
    def keys(self) -> Sequence[str]:
        """Return what rows are drawn by, one a row: their names, unless these depend on other rows.

        Rows of the same key fall to the same side.
        """
        return self._keys or self.names

    @abstractmethod
    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the image's file.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read.
        """

    def where(self, row: int, column: str) -> str:
        """Return what errors call an image."""
        return f"{column} of {self.names[row]!r}"

    def header(self, row: int, column: str) -> Header:
        """Return what the image's file says about it; raises what `picture` does."""
        return read_header(BytesIO(self.encoded(row, column)), self.where(row, column))

    def channels(self, column: str, *, declared: bool) -> int:
        """Return the channels of the first image that is not gray: gray becomes colour without loss, never the reverse.

        Args:
            column: Where to look.
            declared: Whether its range of values is declared.
        """
        found = (self.header(row, column).channels_read(declared=declared) for row in range(len(self.names)))
        return next((channels for channels in found if channels > 1), 1)

    def picture(
        self,
        row: int,
        column: str,
        *,
        reading: Reading = "image",
        value_range: Range | None = None,
        limit: Limit = LIMIT,
    ) -> Picture:
        """Return the image, decoded, with all the channels and bits that it has.

        Args:
            row: Its row.
            column: Its column.
            reading: As what; see `i2i.images.read`.
            value_range: The declared range of its values; see `i2i.images.read`.
            limit: How large it may be.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read or decoded; the message names the row.
        """
        return read(
            self.encoded(row, column),
            where=self.where(row, column),
            reading=reading,
            value_range=value_range,
            max_pixels=limit.pixels,
            declare=DECLARE,
            allow=limit.raised_by,
        )


Splits = Mapping[str, Callable[..., Table]]
"""Split, by its name in the dataset -> opens it."""


class Part(Table):
    """Some rows of a table: those of one split, where rows say theirs, or those that a share leaves.

    Args:
        table: All rows.
        rows: Which of them, in ascending order.
        layout: See `Table`.
    """

    def __init__(self, table: Table, rows: Sequence[int], layout: str) -> None:
        super().__init__(layout, [table.names[row] for row in rows], table.columns, table.problems)
        self._table, self._rows = table, rows
        self.blocks = list(self._blocks())

    @property
    def keys(self) -> Sequence[str]:
        """Return those of the table; see there."""
        keys = self._table.keys
        return [keys[row] for row in self._rows]

    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the image's file."""
        return self._table.encoded(self._rows[row], column)

    def header(self, row: int, column: str) -> Header:
        """Return what the image's file says about it."""
        return self._table.header(self._rows[row], column)

    def picture(
        self,
        row: int,
        column: str,
        *,
        reading: Reading = "image",
        value_range: Range | None = None,
        limit: Limit = LIMIT,
    ) -> Picture:
        """Return the decoded image."""
        return self._table.picture(self._rows[row], column, reading=reading, value_range=value_range, limit=limit)

    def _blocks(self) -> Iterator[Block]:
        """Yield those of the table, each with the rows that are left of it."""
        whole = self._table.blocks
        starts = [bisect_left(self._rows, first) for first in accumulate((b.pairs for b in whole), initial=0)]
        for block, (start, end) in zip(whole, pairwise(starts), strict=True):
            yield block._replace(pairs=end - start)
