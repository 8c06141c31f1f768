"""Named fields of the data: what each is, as networks see it and as a trained model remembers it. Free of torch."""

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from i2i.pairs import Dataset, Pixels, Range, by_name

Kind = Literal["image", "ids", "vector"]
"""``image``: (H, W, C) in the range of its dtype. ``ids``: (H, W, 1) whole numbers, such as classes or instances, which
are never mixed: resized to the nearest. ``vector``: (C,) float32, such as a label of the whole image or a pose."""

Colours = Literal["rgb", "lab"]
"""``lab``: the source is the lightness of an image and the target its colours; see `i2i.data.lab`."""


class Column(BaseModel):
    """One of the images that a field is put together of, on channels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    channels: int
    range: Range | None = None
    """The values that stand for -1 and 1, where the user declared them; else the dtype says so."""


class Field(BaseModel):
    """What one field of the data is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: NonNegativeInt
    """Of an image; of class ids their number, and 0 of ids that are no classes; of a vector its length."""
    dtype: Literal["uint8", "uint16", "int32", "float32"] = "uint8"
    """As it is stored."""
    kind: Kind = "image"
    group: str = ""
    """Fields of one group are aligned: they share crop and mirror, and can be compared. Those of different groups are
    independent, such as the two sides of an unpaired set."""
    void: NonNegativeInt | None = None
    """The id of pixels that have no class."""
    colours: Colours = "rgb"
    columns: tuple[Column, ...] = ()
    """Where the dataset says them."""

    @property
    def ranges(self) -> tuple[Range | None, ...]:
        """Return the declared range of each column."""
        return tuple(column.range for column in self.columns)

    @classmethod
    def of(cls, values: Pixels) -> "Field":
        """Describe these values: an image (H, W, C), or a vector (C,)."""
        kind = "vector" if values.ndim == 1 else "image"
        return cls.model_validate({"kind": kind, "channels": values.shape[-1], "dtype": str(values.dtype)})


class Fields(Mapping[str, Field]):
    """All fields of a dataset by name, and the size of their images.

    Args:
        fields: By name.
        size: Height and width that networks see.
    """

    def __init__(self, fields: Mapping[str, Field], size: tuple[int, int]) -> None:
        self._fields, self.size = dict(fields), size

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def aligned(self, *names: str) -> bool:
        """Return whether these fields belong to each other pixel by pixel, so that they can be compared."""
        return len({self[name].group for name in names}) <= 1


@runtime_checkable
class DescribedDataset(Dataset, Protocol):
    """A dataset that says itself what its fields are, where its first item does not say it all."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Return all of them, by name."""
        ...


def fields_of(dataset: Dataset) -> Mapping[str, Field]:
    """Describe the fields of a dataset, by name: as it says itself, else as its first item is.

    Raises:
        DataError: If that cannot be read.
    """
    if isinstance(dataset, DescribedDataset):
        return dataset.fields
    return {name: Field.of(values) for name, values in by_name(dataset[0]).items()}
