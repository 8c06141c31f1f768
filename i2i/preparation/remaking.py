"""What is gone of a finished dataset: it is noticed, and made again to the same bytes."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from i2i.errors import DataError
from i2i.preparation.folder import DatasetFolder, place_of
from i2i.preparation.report import Output, Row
from i2i.prepared import IMAGES, METADATA
from i2i.system.files import cannot_write


class Losses(NamedTuple):
    """What is not as it was made, as far as a look at names and sizes tells."""

    gone: dict[str, list[str]]
    """Name of an input -> its files that are not there, relative to the dataset."""
    changed: list[str]
    """Files of another size; they may have been edited, and are left alone."""
    undescribed: list[str]
    """Files about splits that are not there."""

    @property
    def files(self) -> list[str]:
        """All that is not there and can be made again."""
        return [*(file for files in self.gone.values() for file in files), *self.undescribed]


def losses_of(dataset: DatasetFolder) -> Losses:
    """Compare the files of a finished dataset with its report, by name and size.

    Raises:
        DataError: If the report is damaged.
    """
    gone: dict[str, list[str]] = {}
    changed: list[str] = []
    parts = set()
    for row in dataset.read_report():
        for output in row.outputs:
            parts.add(row.split or IMAGES)
            place = place_of(row, output)
            try:
                size = os.stat(dataset.folder / place).st_size
            except OSError:
                gone.setdefault(row.name, []).append(place)
            else:
                changed += [place] if size != output.bytes else []
    described = [f"{part}/{METADATA}" for part in sorted(parts)]
    return Losses(gone, changed, [name for name in described if not (dataset.folder / name).is_file()])


def remarks_on(losses: Losses, *, made: bool) -> list[str]:
    """What the user should know of them.

    Args:
        losses: What is gone or changed.
        made: Whether it has been made again, or only would be.
    """
    done = "made again" if made else "would be made again"
    remarks = [_remark(losses.files, f"gone: {done}")] if losses.files else []
    if losses.changed:
        remedy = "To have the same command make it again, remove it first"
        remarks.append(_remark(losses.changed, f"of another size than when made, and left alone. {remedy}"))
    return remarks


def _remark(files: list[str], what: str) -> str:
    if len(files) == 1:
        return f"{files[0]!r} of the dataset is {what}."
    return f"{len(files)} files of the dataset, such as {files[0]!r}, are {what}."


def keep_gone(dataset: DatasetFolder, losses: Losses, made: Iterable[Row], versions: str) -> None:
    """Keep of what was made again the files that are gone, once it is certain that they have the bytes that they had.

    Args:
        dataset: The finished dataset, with what was made again in its staging folder.
        losses: What is gone.
        made: What came of the inputs this time.
        versions: In which software this run differs from the one that made the dataset.

    Raises:
        DataError: If they have not.
        OutputError: If something cannot be removed.
    """
    again = {row.name: row.outputs for row in made}
    why = versions or "something that is no setting has changed"
    for row in dataset.read_report():
        if row.name not in losses.gone:
            continue
        if again[row.name] != row.outputs:
            raise DataError(
                f"{losses.gone[row.name][0]!r} is gone from {str(dataset.folder)!r}, and would not be the same if made "
                f"again: {why}. Restore it, or make the whole dataset again with --overwrite."
            )
        for output in row.outputs:
            if place_of(row, output) not in losses.gone[row.name]:
                _drop(dataset, output)


def _drop(dataset: DatasetFolder, output: Output) -> None:
    staged = dataset.outputs / output.file
    try:
        staged.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(staged, error) from error
