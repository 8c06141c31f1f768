"""The same images as each run makes them, side by side in one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i import images
from i2i.errors import DataError, MissingInputError, UsageError
from i2i.pairs import Pixels
from i2i_runs.reading import Run
from i2i_runs.showing import names_of


class Drawn(NamedTuple):
    """One column of samples."""

    pictures: Sequence[Pixels]
    made: bool
    """Whether the run made them, or they are of its data."""


def write_picture(runs: Sequence[Run], path: Path) -> None:
    """Write the samples of runs beside each other: what all of them have once, around what each makes.

    Of each run it takes the samples of the step that its figures are of, else the newest.

    Args:
        runs: Whose samples they are.
        path: Where the picture goes.

    Raises:
        MissingInputError: If a run has drawn none yet.
        DataError: If something of a run is damaged.
        UsageError: If they are of other images, or of another size.
        OutputError: If it cannot be written.
    """
    sheets = [_columns(run) for run in runs]
    first = sheets[0]
    shared = [title for title, column in first.items() if not column.made]
    if not all(sheet.keys() == first.keys() and all(_are_same(sheet[t], first[t]) for t in shared) for sheet in sheets):
        raise UsageError("The runs draw samples of other images. Give --png runs of one dataset and one data.crop.")
    several = len(first) - len(shared) > 1
    columns: dict[str, Sequence[Pixels]] = {}
    for title in first:
        if title in shared:
            columns[title] = first[title].pictures
        else:
            names = [f"{name}: {title}" if several else name for name in names_of(runs)]
            columns |= {name: sheet[title].pictures for name, sheet in zip(names, sheets, strict=True)}
    rows = zip(*([images.sized_for_print(picture) for picture in column] for column in columns.values()), strict=True)
    images.write(path, images.contact_sheet([list(row) for row in rows], list(columns)))


def _columns(run: Run) -> dict[str, Drawn]:
    """Return the columns of the samples of a run by their titles."""
    if not run.samples:
        raise MissingInputError(f"{run.path} has drawn no samples yet. Wait for its first validation.")
    newest = max(run.samples)
    path = run.samples.get(newest if run.measured is None else run.measured, run.samples[newest])
    layout = run.layout
    rows = images.pictures_of(images.read(path).pixels, *layout.size)
    columns = [list(column) for column in zip(*rows, strict=True)]
    if len(columns) != len(layout.columns):
        raise DataError(f"{path} is not as {layout.columns} were drawn. Wait for the run's next samples.")
    return {title: Drawn(each, title in layout.made) for title, each in zip(layout.columns, columns, strict=True)}


def _are_same(one: Drawn, other: Drawn) -> bool:
    pairs = zip(one.pictures, other.pictures, strict=False)
    return len(one.pictures) == len(other.pictures) and all(np.array_equal(*pair) for pair in pairs)
