"""Items of a dataset as the networks see them, in training and in validation."""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from torch import Tensor

from i2i import images
from i2i.data.jitter import Draws, Jitter
from i2i.data.order import keyed
from i2i.data.tensors import check_field, field_to_tensor
from i2i.errors import DataError
from i2i.fields import Field
from i2i.pairs import Dataset, DrawnDataset, NotedDataset, NotedDrawnDataset, Pair, Pixels, by_name


class Sample(NamedTuple):
    """One item as the networks see it."""

    fields: dict[str, Tensor]
    """Images (C, H, W), ids (H, W), vectors (C,); see `i2i.data.tensors.field_to_tensor`."""
    name: str
    notes: tuple[str, ...] = ()
    """What had to be done to its images."""


class Items:
    """Reads items and jitters them: a pure function of the seed, the epoch and the index.

    Args:
        dataset: Where they come from.
        fields: What their fields are: those of the training split.
        jitter: What is done to them.
        seed: The run's seed.
    """

    def __init__(self, dataset: Dataset, fields: Mapping[str, Field], jitter: Jitter, seed: int) -> None:
        self.dataset, self.fields, self.jitter, self.seed = dataset, fields, jitter, seed

    def of(self, dataset: Dataset) -> "Items":
        """Return the items of another split, read as those of this one."""
        return Items(dataset, self.fields, self.jitter, self.seed)

    def __len__(self) -> int:
        return len(self.dataset)

    def train(self, epoch: int, index: int) -> Sample:
        """Read an item as training sees it in an epoch.

        Raises:
            DataError: If it cannot be read, or is not what its fields are said to be.
        """
        name = self.dataset.names[index]
        item, notes = read(self.dataset, index, keyed(self.seed, epoch, index, "item"))
        values = self.jitter.train(self._checked(by_name(item), name), self.fields, self.draws(epoch, index), name)
        return Sample(self._tensors(values), name, notes)

    def draws(self, epoch: int, index: int) -> Draws:
        """Return from where the jitter of an item is drawn in an epoch."""
        return Draws(self.seed, epoch, index)

    def test(self, index: int) -> Sample:
        """Read an item as validation sees it, for which nothing is drawn; gray images become colour where those are.

        Raises:
            DataError: As for `train`.
        """
        name = self.dataset.names[index]
        values = self.jitter.test(self._checked(by_name(self.dataset[index]), name), self.fields, name)
        for field, described in self.fields.items():
            if described.kind == "image":
                values[field] = images.with_channels(values[field], described.channels)
        return Sample(self._tensors(values), name)

    def _checked(self, item: dict[str, Pixels], name: str) -> dict[str, Pixels]:
        """Return the item if it is what its fields are said to be, in their order."""
        if item.keys() != self.fields.keys():
            found, declared = (", ".join(sorted(names)) for names in (item, self.fields))
            raise DataError(f"{name!r} has the fields {found}. Every item must have {declared}.")
        for field, described in self.fields.items():
            check_field(item[field], described, f"{field} of {name!r}")
        return {field: item[field] for field in self.fields}

    def _tensors(self, values: Mapping[str, Pixels]) -> dict[str, Tensor]:
        return {field: field_to_tensor(values[field], described) for field, described in self.fields.items()}


def read(dataset: Dataset, index: int, rng: Random) -> tuple[Pair | Mapping[str, Pixels], tuple[str, ...]]:
    """Read an item, drawn where the dataset draws, and what had to be done to its images, where it says that."""
    if isinstance(dataset, NotedDrawnDataset):
        return dataset.draw_noted(index, rng)
    if isinstance(dataset, DrawnDataset):
        return dataset.draw(index, rng), ()
    return dataset.read_noted(index) if isinstance(dataset, NotedDataset) else (dataset[index], ())
