"""The same images as each run makes them, side by side in one picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2i import images
from i2i.errors import MissingInputError, UsageError
from i2i.pairs import Pixels
from i2i_runs.reading import Run
from i2i_runs.showing import names_of

Column = Sequence[Pixels]


def write_picture(runs: Sequence[Run], path: Path) -> None:
    """Write the samples of runs beside each other: what all of them have once, around what each makes.

    Of each run it takes the samples of the step that its figures are of, else the newest.

    Args:
        runs: Whose samples they are.
        path: Where the picture goes.

    Raises:
        MissingInputError: If a run has drawn none yet.
        UsageError: If they are of other images, or of another size.
        OutputError: If it cannot be written.
    """
    sheets = [_columns(run) for run in runs]
    if len({(len(sheet), len(sheet[0]), sheet[0][0].shape) for sheet in sheets}) > 1:
        raise UsageError(
            "The runs draw samples of other sizes or counts. Give --png runs of one data.crop and dataset."
        )
    places = [list(of_runs) for of_runs in zip(*sheets, strict=True)]
    own = [number for number, of_runs in enumerate(places) if not _are_same(of_runs)]
    if len(own) == len(places):
        raise UsageError("The runs draw samples of other images. Give --png runs of one dataset.")
    columns: list[tuple[str, Column]] = []
    for number, of_runs in enumerate(places):
        if number in own:
            columns += zip(names_of(runs), of_runs, strict=True)
        else:
            columns.append(("source" if not own or number < own[0] else "target", of_runs[0]))
    rows = zip(*([images.sized_for_print(picture) for picture in column] for _, column in columns), strict=True)
    images.write(path, images.contact_sheet([list(row) for row in rows], [title for title, _ in columns]))


def _columns(run: Run) -> list[Column]:
    """Return the columns of the samples of a run."""
    if not run.samples:
        raise MissingInputError(f"{run.path} has drawn no samples yet. Wait for its first validation.")
    newest = max(run.samples)
    path = run.samples.get(newest if run.measured is None else run.measured, run.samples[newest])
    crop = run.settings["data"]["crop"]
    height, width = crop if isinstance(crop, list) else (crop, crop)
    return [list(column) for column in zip(*images.pictures_of(images.read(path).pixels, height, width), strict=True)]


def _are_same(columns: Sequence[Column]) -> bool:
    return all(
        np.array_equal(first, each) for column in columns for first, each in zip(columns[0], column, strict=True)
    )
