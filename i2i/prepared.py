"""Names of what is in a prepared dataset folder, for everything that writes or reads one."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

CARD = "dataset.yaml"
"""Says how the dataset was made; the last file to be written."""

REPORT = "report.jsonl"
"""Says what became of every input, one a line."""

METADATA = "metadata.jsonl"
"""In each split's folder, one line a pair."""

HALVES = ("imageA", "imageB")
"""Folders of sources and targets in each split's folder, and what such columns are called."""

IMAGES = "images"
"""Folder of images that are no pairs, and belong to no split."""

STAGING = "preparing"
"""Folder of a dataset that is not finished: everything lies in it until all is made."""

BEGUN = f"{STAGING}/command.json"


class Classes(NamedTuple):
    """What the ids of a label map stand for."""

    number: int
    """Classes are 0 to this, without it; 0 of ids that are no classes, such as instances."""
    void: int | None = None
    """The id of pixels that have no class."""


def is_prepared(folder: Path, names: Collection[str]) -> bool:
    """Return whether a folder holds a dataset that was prepared, or begun.

    Args:
        folder: The folder.
        names: What lies in it.
    """
    return (CARD in names and REPORT in names) or (STAGING in names and (folder / BEGUN).is_file())
