"""The dataset ``pairs``: every stored layout as sources and targets."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
from pydantic import PositiveInt

from i2i import images
from i2i.data import lab
from i2i.data.tables import datafiles
from i2i.data.tables.ab import limit_of
from i2i.data.tables.detect import open_table
from i2i.data.tables.names import choose
from i2i.data.tables.table import LayoutChoice, Table
from i2i.errors import DataError, UsageError
from i2i.fields import Colours, Column, Field
from i2i.images import Range
from i2i.options import build
from i2i.pairs import Block, Dataset, Pair, Pixels, range_of
from i2i.places import is_url
from i2i.plugins import lookup

Share = Annotated[float, pydantic.Field(gt=0, lt=1)]
Counts = PositiveInt | tuple[PositiveInt | None, ...] | None
Ranges = Range | tuple[Range | None, ...] | None


class Pairs:
    """One split of a dataset, in whatever layout it is stored; see "Your data" in the documentation.

    Args:
        direction: ``AtoB`` takes A as the source and B as the target, ``BtoA`` the reverse.
        layout: How pairs are stored; ``auto`` finds out.
        source: Columns of the source, concatenated on channels; when not given, a pair of known names is looked for.
        target: Columns of the target.
        source_channels: Channels of every source, or of each of its columns; when not given, those of the first image
            that is not gray.
        target_channels: Channels of every target, or of each of its columns; when not given, those of the first image
            that is not gray.
        source_range: The values of sources that stand for black and white, such as [0, 4095], or those of each column;
            when not given, the dtype says so.
        target_range: The values of targets that stand for black and white, or those of each column; when not given, the
            dtype says so.
        colours: ``lab`` learns to colour: the source is the lightness of the target, the target its colours.
        streaming: Read a set of the Hub as it is needed, without downloading it first.
        val_share: Part of ``train``, in 0..1, to hold out as ``val`` where the set has no such split.
        match: Regular expression. Files of two folders whose paths agree in its first group are a pair; when empty,
            those of the same name are.
        max_pixels: Largest image that is read, width times height; when not given, as large as the dataset was prepared
            with, or 40,000,000.

    Raises:
        MissingInputError: If there is no dataset.
        MissingSplitError: If it has no such split.
        DataError: If the layout is not recognised, or something in the split cannot be a pair.
        UsageError: If the options do not go together.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        split: str,
        *,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        layout: LayoutChoice = "auto",
        source: tuple[str, ...] = (),
        target: tuple[str, ...] = (),
        source_channels: Counts = None,
        target_channels: Counts = None,
        source_range: Ranges = None,
        target_range: Ranges = None,
        colours: Colours = "rgb",
        streaming: bool = False,
        val_share: Share | None = None,
        match: str = "",
        max_pixels: PositiveInt | None = None,
    ) -> None:
        root = fspath(root)
        self._limit = limit_of(root, max_pixels)
        if streaming:
            layout = datafiles.streamed_layout(root, layout)
        self.table = open_table(root, split, layout, (*source, *target), match, val_share)
        self.layout, self.names, self.colours = self.table.layout, self.table.names, colours
        _refuse_problems(self.table, root)
        is_lab = colours == "lab"
        chosen = choose(self.table.columns, source, target, direction, target_alone=is_lab)
        self._target = _columns("target", self.table, chosen.target, target_channels, target_range)
        if is_lab:
            _check_lab(self._target, source_channels, source_range)
            self._source: tuple[Column, ...] = ()
        else:
            self._source = _columns("source", self.table, chosen.source, source_channels, source_range)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Pair:
        return self.read_noted(index)[0]

    def read_noted(self, index: int, /) -> tuple[Pair, tuple[str, ...]]:
        """Read a pair, and what had to be done to its images; see `i2i.pairs.NotedDataset`."""
        notes = list[str]()
        target = self._side(index, self._target, notes)
        pair = (
            Pair(*lab.split(target)) if self.colours == "lab" else Pair(self._side(index, self._source, notes), target)
        )
        return pair, tuple(notes)

    @property
    def blocks(self) -> Sequence[Block]:
        """Return neighbouring pairs that are read together; see `i2i.pairs.PairStream`."""
        return self.table.blocks

    @property
    def fields(self) -> dict[str, Field]:
        """Say what sources and targets are, which reads the first pair; see `i2i.fields.fields_of`."""
        columns = {"source": self._source, "target": self._target}
        return {
            name: Field.of(image).model_copy(update={"colours": self.colours, "columns": columns[name]})
            for name, image in self[0]._asdict().items()
        }

    def _side(self, index: int, columns: Sequence[Column], notes: list[str]) -> Pixels:
        parts = [self._part(index, column, notes) for column in columns]
        if len(parts) == 1:
            return parts[0]
        if len({part.shape[:2] for part in parts}) > 1:
            sizes = " and ".join(f"{c.name} {p.shape[1]}x{p.shape[0]}" for c, p in zip(columns, parts, strict=True))
            raise DataError(f"{self.names[index]}: {sizes} cannot be one image of several channels. Resize them.")
        return stack(parts)

    def _part(self, index: int, column: Column, notes: list[str]) -> Pixels:
        pixels, noted = self.table.picture(index, column.name, value_range=column.range, limit=self._limit)
        notes.extend(f"{column.name}: {note}" for note in noted)
        try:
            return images.with_channels(pixels, column.channels)
        except DataError as error:
            raise DataError(f"{self.names[index]}: {error}") from None


def stack(parts: Sequence[Pixels]) -> Pixels:
    """Concatenate images of one size on channels; as float32 in [-1, 1], each by its own range, if dtypes differ."""
    if len({part.dtype for part in parts}) == 1:
        return np.concatenate(parts, axis=2)
    return np.concatenate([images.scaled(part, range_of(part.dtype), "") for part in parts], axis=2)


def _refuse_problems(table: Table, root: str) -> None:
    if table.problems:
        count = len(table.problems)
        more = f" {count} such problems in all; `i2i data check` lists them." if count > 1 else ""
        raise DataError(table.problems[0].message + more)
    if not table.names:
        raise DataError(f"{root} holds no pairs ({table.layout}). Prepare them with `i2i prepare`.")


def _columns(side: str, table: Table, names: Sequence[str], channels: Counts, ranges: Ranges) -> tuple[Column, ...]:
    """Return the columns of a side, with what was declared of each, and else their channels as they are found."""
    counts = channels if isinstance(channels, tuple) else (channels,) * len(names)
    _check_count(f"{side}_channels", counts, names)
    return tuple(
        Column(name=name, channels=count or _channels(table, name, span is not None), range=span)
        for (name, span), count in zip(declared_ranges(side, names, ranges).items(), counts, strict=True)
    )


def declared_ranges(side: str, names: Sequence[str], ranges: Ranges) -> dict[str, Range | None]:
    """Map each column to its declared range; two numbers are one range for all.

    Args:
        side: ``source`` or ``target``, for errors.
        names: Its columns.
        ranges: What was declared.

    Raises:
        UsageError: If a range is none, or there is not one a column.
    """
    match ranges:
        case None:
            return dict.fromkeys(names)
        case (int() | float() as low, int() | float() as high):
            return dict.fromkeys(names, images.check_range((low, high)))
    _check_count(f"{side}_range", ranges, names)
    return {name: images.check_range(span) if span else None for name, span in zip(names, ranges, strict=True)}


def _check_count(option: str, given: Sequence[object], names: Sequence[str]) -> None:
    if len(given) != len(names):
        raise UsageError(f"{option} has {len(given)} entries for {len(names)} columns. Give one a column.")


def _channels(table: Table, column: str, declared: bool) -> int:
    """Return the channels of the first image that is not gray: gray becomes colour without loss, never the reverse."""
    found = (table.header(row, column).channels_read(declared=declared) for row in range(len(table.names)))
    return next((channels for channels in found if channels > 1), 1)


def _check_lab(target: Sequence[Column], source_channels: Counts, source_range: Ranges) -> None:
    if len(target) > 1 or target[0].channels != 3 or target[0].range:
        raise UsageError("Colours are learned from one column of RGB images without a declared range.")
    if source_channels is not None or source_range is not None:
        raise UsageError("With colours=lab the source is the target's lightness: leave its channels and range away.")


def open_pairs(
    root: str | PathLike[str], split: str, *, name: str = "pairs", options: Mapping[str, Any] = {}
) -> Dataset:
    """Open the pairs of one split.

    Args:
        root: The dataset's folder, or its address.
        split: Such as ``train``.
        name: The component that reads it.
        options: Those of the component.

    Raises:
        MissingSplitError: If the dataset has no such split.
        I2iError: If there is no dataset, or it cannot be read, or not with these options.
    """
    root = fspath(root)
    place = root if is_url(root) else Path(root)
    pairs: Dataset = build(lookup("dataset", name).cls, place, split, options=options, owner=f"dataset {name!r}")
    return pairs
