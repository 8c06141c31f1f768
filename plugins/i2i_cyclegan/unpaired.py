"""Images of two kinds that are no pairs, as CycleGAN learns from them (Zhu et al. 2017, https://arxiv.org/abs/1703.10593).

Folders are named as in the authors' sets: ``trainA``, ``trainB``. As in their code, an epoch is as long as the larger
side, and the partner of an image is drawn anew in every epoch
(https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix, ``data/unaligned_dataset.py``, BSD 2-Clause). There images of
A take turns and those of B are drawn; here those of the larger side take turns, so that each is seen once an epoch.
"""

from collections.abc import Sequence
from os import PathLike
from random import Random
from typing import Literal

from pydantic import PositiveInt

from i2i import images
from i2i.data.tables.detect import open_unpaired
from i2i.data.tables.table import Table
from i2i.errors import DataError
from i2i.fields import Column, Field
from i2i.images import Limit, Range
from i2i.pairs import Pair, Pixels


class Unpaired:
    """Two folders of images for each split, ``trainA`` and ``trainB``, of any number, sizes and names.

    Args:
        direction: ``AtoB`` takes A as the source and B as the target, ``BtoA`` the reverse.
        source_channels: Channels of every source; when not given, those of the first image that is not gray.
        target_channels: Channels of every target; when not given, those of the first image that is not gray.
        source_range: The values of sources that stand for black and white, such as [0, 4095]; when not given, the dtype
            says so.
        target_range: The values of targets that stand for black and white; when not given, the dtype says so.
        max_pixels: Largest image that is read, width times height; when not given, 40,000,000.

    Raises:
        MissingInputError: If there is no dataset.
        MissingSplitError: If it has no such split.
        DataError: If there are no two such folders, or one holds no images.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        split: str,
        *,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        source_channels: PositiveInt | None = None,
        target_channels: PositiveInt | None = None,
        source_range: Range | None = None,
        target_range: Range | None = None,
        max_pixels: PositiveInt | None = None,
    ) -> None:
        tables = open_unpaired(root, split)
        limit = Limit(max_pixels or images.MAX_PIXELS, "--set dataset.max_pixels")
        source, target = tables if direction == "AtoB" else reversed(tables)
        self.source = Side(tables[source], source, source_channels, source_range, limit)
        self.target = Side(tables[target], target, target_channels, target_range, limit)
        counted = (f"{table.layout.partition(', ')[2]} ({len(table.names)})" for table in tables.values())
        self.layout = f"unpaired: {', '.join(counted)}"

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the larger side, whose images take turns; of the source where both are as large."""
        return max(self.source, self.target, key=len).names

    @property
    def fields(self) -> dict[str, Field]:
        """Say what source and target are, each of a group of its own; see `i2i.fields.fields_of`."""
        return {"source": self.source.described("source"), "target": self.target.described("target")}

    def __len__(self) -> int:
        return max(len(self.source), len(self.target))

    def __getitem__(self, index: int, /) -> Pair:
        return self.read_noted(index)[0]

    def read_noted(self, index: int, /) -> tuple[Pair, tuple[str, ...]]:
        """Read an image of each side, those of the smaller one again and again; see `i2i.pairs.NotedDataset`."""
        if index >= len(self):
            raise IndexError(index)
        return self._read(index % len(self.source), index % len(self.target))

    def draw(self, index: int, rng: Random, /) -> Pair:
        """Return an image of the larger side, and one that is drawn from the other; see `i2i.pairs.DrawnDataset`."""
        return self.draw_noted(index, rng)[0]

    def draw_noted(self, index: int, rng: Random, /) -> tuple[Pair, tuple[str, ...]]:
        """Return what `draw` does, and what had to be done to read it."""
        if len(self.source) >= len(self.target):
            return self._read(index, int(rng.random() * len(self.target)))
        return self._read(int(rng.random() * len(self.source)), index)

    def _read(self, source: int, target: int) -> tuple[Pair, tuple[str, ...]]:
        (one, notes), (other, more) = self.source.read(source), self.target.read(target)
        return Pair(one, other), (*notes, *more)


class Side:
    """All images of one kind.

    Args:
        table: Where they are.
        column: What they are called there.
        channels: As every one is read; those of the first that is not gray when not given.
        span: Their declared range.
        limit: How large they may be.
    """

    def __init__(self, table: Table, column: str, channels: int | None, span: Range | None, limit: Limit) -> None:
        self._table, self._limit, self.names = table, limit, table.names
        span = images.check_range(span) if span else None
        channels = channels or table.channels(column, declared=span is not None)
        self.column = Column(name=column, channels=channels, range=span)

    def __len__(self) -> int:
        return len(self.names)

    def described(self, group: str) -> Field:
        """Describe the images, by the first."""
        return Field.of(self.read(0)[0]).model_copy(update={"group": group, "columns": (self.column,)})

    def read(self, row: int) -> tuple[Pixels, list[str]]:
        """Read an image, and say what had to be done to it.

        Raises:
            DataError: If it cannot be read, or not with these channels.
        """
        name = self.column.name
        pixels, notes = self._table.picture(row, name, value_range=self.column.range, limit=self._limit)
        try:
            pixels = images.with_channels(pixels, self.column.channels)
        except DataError as error:
            raise DataError(f"{self._table.where(row, name)}: {error}") from None
        return pixels, [f"{name}: {note}" for note in notes]
