"""What every layout can be read as."""

from abc import abstractmethod
from collections.abc import Sequence
from io import BytesIO
from typing import Literal, NamedTuple, Protocol

from i2i.images import MAX_PIXELS, Header, Limit, Picture, Range, decode, read_header

LIMIT = Limit(MAX_PIXELS, "--set dataset.max_pixels")
"""How large images of datasets may be unless somebody says otherwise."""


class Problem(NamedTuple):
    """Something that is in a dataset and cannot be a row of it."""

    name: str
    reason: str
    """A short code: ``no-partner``, ``several-partners``, ``bad-row``, ..."""
    message: str
    """One line: what is wrong, where, and what to do."""


class Table(Protocol):
    """One split: a fixed sequence of rows, each with an image in every column. Nothing is decoded until it is read."""

    @property
    def layout(self) -> str:
        """What was recognised, in words that a person understands."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """One a row, printable and all different."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Such as ``imageA`` and ``imageB``."""
        ...

    @property
    def problems(self) -> Sequence[Problem]:
        """Everything that was left out of the rows."""
        ...

    def encoded(self, row: int, column: str) -> bytes:
        """The bytes of the image's file.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read.
        """
        ...

    def header(self, row: int, column: str) -> Header:
        """What the image's file says about it; raises what `picture` does."""
        ...

    def picture(self, row: int, column: str, *, value_range: Range | None = None, limit: Limit = LIMIT) -> Picture:
        """The image, decoded, with all the channels and bits that it has.

        Args:
            row: Its row.
            column: Its column.
            value_range: The declared range of its values; see `i2i.images.read`.
            limit: How large it may be.

        Raises:
            MissingInputError: If the file is not there.
            DataError: If it cannot be read or decoded; the message names the row.
        """
        ...


LayoutName = Literal["manifest", "folders", "twofolders", "parquet", "webdataset", "hub", "datafiles", "ab"]
LayoutChoice = LayoutName | Literal["auto"]
"""A layout, or that it be found out."""
LAYOUTS: dict[LayoutName, str] = {
    "manifest": "a list of files, as metadata.jsonl, manifest.jsonl or manifest.csv",
    "folders": "imageA/NAME and imageB/NAME in each split's folder",
    "twofolders": "trainA/NAME and trainB/NAME, or A/train/NAME and B/train/NAME, or A/NAME and B/NAME",
    "parquet": "Parquet files with the images in their columns",
    "webdataset": "WebDataset shards, .tar files",
    "hub": "a dataset of the Hugging Face Hub, hf://USER/NAME, or what the datasets library saved on disk",
    "datafiles": "files that README.md names for each split, or Arrow files",
    "ab": "A|B files, NAME in each split's folder, A left and B right",
}
"""In the order in which they are looked for, after files that ``README.md`` names: what says how data is meant before
what suggests it, and A|B files last, since they are any images in a folder."""


class Layout(Protocol):
    """A module of `i2i.data.tables`: one way to store pairs. Cheap to import; heavy libraries inside its functions."""

    def splits(self, root: str, columns: Sequence[str]) -> Sequence[str]:
        """The splits stored at ``root`` in this layout, by their names there; none where the layout is another.

        Args:
            root: What the user gave: a folder, a file, an address.
            columns: Those that the user named, if any: a layout may be recognised by them.

        Raises:
            DataError: If it is this layout and damaged.
        """
        ...

    def open_split(self, root: str, split: str, columns: Sequence[str]) -> Table:
        """One split, which is one of `splits`.

        Args:
            root: As above.
            split: Its name as stored.
            columns: Those that every row must have; when empty, the pair that `columns.find_pair` finds, or all.

        Raises:
            DataError: If it cannot be read.
        """
        ...


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

    def picture(self, row: int, column: str, *, value_range: Range | None = None, limit: Limit = LIMIT) -> Picture:
        """The decoded image; see `Table`."""
        return decode(
            self.encoded(row, column),
            self.where(row, column),
            value_range=value_range,
            max_pixels=limit.pixels,
            declare=DECLARE,
            allow=limit.raised_by,
        )
