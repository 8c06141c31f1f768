"""The dataset ``pairs``: every stored layout as sources and targets."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
from pydantic import NonNegativeInt, PositiveInt

from i2i import images
from i2i.data import lab
from i2i.data.columns import Composed, Counts, Extra, Ranges, classes_of, composed
from i2i.data.tables import datafiles
from i2i.data.tables.ab import classes_in, limit_of
from i2i.data.tables.detect import open_table
from i2i.data.tables.names import Columns, choose
from i2i.data.tables.table import LayoutChoice, Table
from i2i.errors import DataError, UsageError
from i2i.fields import Colours, Column, Field
from i2i.options import build
from i2i.pairs import Block, Dataset, Pair, Pixels, Reading, by_name, range_of
from i2i.places import is_url
from i2i.plugins import lookup
from i2i.prepared import Classes

NO_COLOURS = "Class ids are gray values or indices of a palette: `i2i prepare labels --encoding ids` makes them."

Share = Annotated[float, pydantic.Field(gt=0, lt=1)]


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
        source_classes: Read sources as class ids, so many; when not given, as many as a prepared set knows, and images
            where it knows none.
        target_classes: Likewise of targets.
        void: The id of pixels that have no class, in every field of class ids.
        extra: Fields besides source and target, each of a column: name -> its ``column``, and where it is not an image,
            ``kind: ids`` and the number of its ``classes``, 0 where they are none, such as instances; of an image,
            ``channels`` and ``range`` as above.
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
        source_classes: NonNegativeInt | None = None,
        target_classes: NonNegativeInt | None = None,
        void: NonNegativeInt | None = None,
        extra: Mapping[str, Extra] = {},
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
        if taken := next((name for name in extra if name in Pair._fields), None):
            raise UsageError(f"dataset.extra has a field {taken!r}, which every pair has. Call it otherwise.")

        def opened(*columns: str) -> Table:
            return open_table(root, split, layout, columns, match, val_share)

        def chosen_in(table: Table) -> Columns:
            return choose(table.columns, source, target, direction, target_alone=colours == "lab")

        sides = chosen_in(opened()) if extra and not (source or target) else Columns(source, target)
        self.table = opened(*sides.source, *sides.target, *(one.column for one in extra.values()))
        self.layout, self.names, self.colours = self.table.layout, self.table.names, colours
        _refuse_problems(self.table, root)
        if not extra or source or target:
            sides = chosen_in(self.table)
        known = classes_in(root)
        classes = classes_of(sides.target, target_classes, void, known)
        self._target = composed("target", self.table, sides.target, target_channels, target_range, classes)
        self._source = Composed(())
        if colours == "lab":
            _check_lab(self._target, source_channels, source_range, source_classes)
        else:
            classes = classes_of(sides.source, source_classes, void, known)
            self._source = composed("source", self.table, sides.source, source_channels, source_range, classes)
        self._extras = {name: self._extra(name, one, void) for name, one in extra.items()}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int, /) -> Pair | dict[str, Pixels]:
        return self.read_noted(index)[0]

    def read_noted(self, index: int, /) -> tuple[Pair | dict[str, Pixels], tuple[str, ...]]:
        """Read an item, and what had to be done to its images; see `i2i.pairs.NotedDataset`."""
        notes = list[str]()
        pair = self._pair(index, notes)
        more = {name: self._field(index, made, notes) for name, made in self._extras.items()}
        return pair._asdict() | more if more else pair, tuple(notes)

    def pair(self, index: int) -> Pair:
        """Read source and target alone, whatever other fields there are."""
        return self._pair(index, [])

    def _pair(self, index: int, notes: list[str]) -> Pair:
        target = self._field(index, self._target, notes)
        if self.colours == "lab":
            return Pair(*lab.split(target))
        return Pair(self._field(index, self._source, notes), target)

    @property
    def blocks(self) -> Sequence[Block]:
        """Return neighbouring pairs that are read together; see `i2i.pairs.PairStream`."""
        return self.table.blocks

    @property
    def fields(self) -> dict[str, Field]:
        """Say what every field is, which reads the first item; see `i2i.fields.fields_of`."""
        return {name: self._described(name, values) for name, values in by_name(self[0]).items()}

    def _described(self, name: str, values: Pixels) -> Field:
        made = {"source": self._source, "target": self._target, **self._extras}[name]
        if made.classes is not None:
            return Field.model_validate(
                {
                    "kind": "ids",
                    "channels": made.classes.number,
                    "void": made.classes.void,
                    "dtype": str(values.dtype),
                    "columns": made.columns,
                }
            )
        colours = self.colours if name in Pair._fields else "rgb"
        return Field.of(values).model_copy(update={"colours": colours, "columns": made.columns})

    def _extra(self, name: str, one: Extra, void: int | None) -> Composed:
        classes = Classes(one.classes, void) if one.kind == "ids" else None
        return composed(name, self.table, [one.column], one.channels, one.range, classes)

    def _field(self, index: int, made: Composed, notes: list[str]) -> Pixels:
        parts = [self._part(index, made, column, notes) for column in made.columns]
        if len(parts) == 1:
            return parts[0]
        if len({part.shape[:2] for part in parts}) > 1:
            both = zip(made.columns, parts, strict=True)
            sizes = " and ".join(f"{column.name} {part.shape[1]}x{part.shape[0]}" for column, part in both)
            raise DataError(f"{self.names[index]}: {sizes} cannot be one image of several channels. Resize them.")
        return stack(parts)

    def _part(self, index: int, made: Composed, column: Column, notes: list[str]) -> Pixels:
        ids = made.classes is not None
        reading: Reading = "ids" if ids else "image"
        pixels, noted = self.table.picture(
            index, column.name, reading=reading, value_range=column.range, limit=self._limit
        )
        notes.extend(f"{column.name}: {note}" for note in noted)
        if ids and pixels.shape[2] != 1:
            raise DataError(f"{self.table.where(index, column.name)} holds colours. {NO_COLOURS}")
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


def _check_lab(target: Composed, source_channels: Counts, source_range: Ranges, source_classes: int | None) -> None:
    (column, *others) = target.columns
    if others or column.channels != 3 or column.range or target.classes:
        raise UsageError("Colours are learned from one column of RGB images without a declared range.")
    if source_channels is not None or source_range is not None or source_classes is not None:
        raise UsageError(
            "With colours=lab the source is the target's lightness: leave its channels, range and classes away."
        )


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
