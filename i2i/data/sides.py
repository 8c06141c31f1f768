"""What the sources and the targets of a dataset are, as a trained model remembers it."""

from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from i2i.images import Range
from i2i.pairs import Pair, PairDataset, Pixels

Colours = Literal["rgb", "lab"]
"""``lab``: the source is the lightness of an image and the target its colours; see `i2i.data.lab`."""


class Column(BaseModel):
    """One of the images that a side is put together of, on channels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    channels: int
    range: Range | None = None
    """The values that stand for -1 and 1, where the user declared them; else the dtype says so."""


class Side(BaseModel):
    """What images of one side are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: int
    dtype: Literal["uint8", "uint16", "float32"]
    colours: Colours = "rgb"
    columns: tuple[Column, ...] = ()
    """Where the dataset says them."""

    @property
    def ranges(self) -> tuple[Range | None, ...]:
        """Return the declared range of each column."""
        return tuple(column.range for column in self.columns)

    @classmethod
    def of(cls, pixels: Pixels) -> "Side":
        """Describe this image."""
        return cls.model_validate({"channels": pixels.shape[2], "dtype": str(pixels.dtype)})


@runtime_checkable
class SidedDataset(PairDataset, Protocol):
    """A dataset that says itself what its sides are."""

    def sides(self, first: Pair) -> tuple[Side, Side]:
        """Describe source and target, of which one pair is given."""
        ...


def sides_of(dataset: PairDataset) -> tuple[Side, Side]:
    """Describe source and target of a dataset, which reads its first pair.

    Raises:
        DataError: If that cannot be read.
    """
    first = dataset[0]
    if isinstance(dataset, SidedDataset):
        return dataset.sides(first)
    return Side.of(first.source), Side.of(first.target)
