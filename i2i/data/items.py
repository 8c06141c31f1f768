"""Items of a dataset as the networks see them, in training and in validation."""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple, cast

import numpy as np
from torch import Tensor

from i2i import images
from i2i.data.jitter import Draws, Jitter
from i2i.data.tensors import check_field, field_to_tensor
from i2i.errors import DataError
from i2i.fields import Field
from i2i.pairs import Dataset, DrawnDataset, NotedDataset, NotedDrawnDataset, Pair, Pixels, by_name


class Sample(NamedTuple):
    """One item as training sees it, but that its values are stored as they were: see `i2i.data.tensors.seen`."""

    fields: dict[str, Pixels]
    """Images and ids (H, W, C), vectors (C,)."""
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
        # found out once: to ask whether an object follows a protocol takes longer than to mirror an image
        self._draws = isinstance(dataset, DrawnDataset)
        self._notes = isinstance(dataset, NotedDrawnDataset if self._draws else NotedDataset)

    def of(self, dataset: Dataset) -> "Items":
        """Return the items of another split, read as those of this one."""
        return Items(dataset, self.fields, self.jitter, self.seed)

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def bytes_of_one(self) -> int:
        """Return how many bytes an item mostly takes as training sees it and its values are stored."""
        values = {"image": prod(self.size), "ids": prod(self.size), "vector": 1}
        return sum(
            values[field.kind] * (1 if field.kind == "ids" else field.channels) * np.dtype(field.dtype).itemsize
            for field in self.fields.values()
        )

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of images as training sees them."""
        return self.jitter.crop

    def train(self, epoch: int, index: int) -> Sample:
        """Read an item as training sees it in an epoch.

        Raises:
            DataError: If it cannot be read, or is not what its fields are said to be.
        """
        draws = self.draws(epoch, index)
        name, item, notes = self.read(index, draws)
        return Sample(self.jitter.train(item, self.fields, draws, name), name, notes)

    def draws(self, epoch: int, index: int) -> Draws:
        """Return from where the jitter of an item is drawn in an epoch."""
        return Draws(self.seed, epoch, index)

    def still(self, index: int) -> dict[str, Pixels]:
        """Read an item as validation sees it, as images that are not yet tensors.

        Raises:
            DataError: As for `train`.
        """
        name = self.dataset.names[index]
        return self.jitter.test(self._checked(by_name(self.dataset[index]), name), self.fields, name)

    def test(self, index: int) -> dict[str, Tensor]:
        """Read an item as validation sees it, for which nothing is drawn; gray images become colour where those are.

        Returns:
            Its fields as networks see them, by name; see `i2i.data.tensors.field_to_tensor`.

        Raises:
            DataError: As for `train`.
        """
        values = self.still(index)
        for field, described in self.fields.items():
            if described.kind == "image":
                values[field] = images.with_channels(values[field], described.channels)
        return {field: field_to_tensor(values[field], described) for field, described in self.fields.items()}

    def read(self, index: int, draws: Draws) -> tuple[str, dict[str, Pixels], tuple[str, ...]]:
        """Read an item as it is stored.

        Args:
            index: Which.
            draws: Where the dataset draws from, if it does; see `draws`.

        Returns:
            Its name, its fields, and what had to be done to its images.

        Raises:
            DataError: As for `train`.
        """
        name = self.dataset.names[index]
        item, notes = self._noted(index, draws)
        return name, self._checked(by_name(item), name), notes

    def _noted(self, index: int, draws: Draws) -> tuple[Pair | Mapping[str, Pixels], tuple[str, ...]]:
        """Read an item, drawn where the dataset draws, and what had to be done to its images, where it says that."""
        if self._draws and self._notes:
            return cast(NotedDrawnDataset, self.dataset).draw_noted(index, draws.of("item"))
        if self._draws:
            return cast(DrawnDataset, self.dataset).draw(index, draws.of("item")), ()
        return cast(NotedDataset, self.dataset).read_noted(index) if self._notes else (self.dataset[index], ())

    def _checked(self, item: dict[str, Pixels], name: str) -> dict[str, Pixels]:
        """Return the item if it is what its fields are said to be, in their order."""
        if item.keys() != self.fields.keys():
            found, declared = (", ".join(sorted(names)) for names in (item, self.fields))
            raise DataError(f"{name!r} has the fields {found}. Every item must have {declared}.")
        for field, described in self.fields.items():
            check_field(item[field], described, f"{field} of {name!r}")
        return {field: item[field] for field in self.fields}
