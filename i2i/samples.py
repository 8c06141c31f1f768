"""The samples that a run draws: a picture for each of some steps, and beside them what is where in all of them."""

import re
from pathlib import Path

from pydantic import BaseModel, PositiveInt, ValidationError

from i2i import safe_json
from i2i.errors import DataError

LAYOUT = "layout.json"


class Layout(BaseModel, frozen=True):
    """What is where in each picture: columns of images below a heading."""

    columns: list[str]
    """Their titles, in order."""
    made: list[str]
    """Those that the run makes; the others are of its data."""
    rows: PositiveInt
    size: tuple[PositiveInt, PositiveInt]
    """Height and width of one image, in pixels."""


def read_layout(folder: Path) -> Layout:
    """Read what is where in the pictures of a folder.

    Raises:
        DataError: If the file that says it is missing or damaged.
    """
    path = folder / LAYOUT
    try:
        return Layout.model_validate(safe_json.load(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        raise DataError(f"{path} is missing or damaged. Wait for the run's next samples.") from None


def picture_of(folder: Path, step: int) -> Path:
    """Return where the picture of a step is."""
    return folder / f"step-{step:09d}.png"


def drawn(folder: Path) -> dict[int, Path]:
    """Return the pictures in a folder by their steps, in order; none where there is no folder."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = ((re.fullmatch(r"step-(\d+)\.png", path.name), path) for path in files)
    return {int(name[1]): path for name, path in found if name}
