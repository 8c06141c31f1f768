"""Images of one value each, by which they are told, and pairs of them as people store them."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from i2i import images
from i2i.data.tables.detect import open_table


def png(value: int) -> bytes:
    """A PNG of 4x4 px, all of one gray in three channels."""
    done, data = cv2.imencode(".png", np.full((4, 4, 3), value, np.uint8))
    assert done
    return data.tobytes()


A = [png(value) for value in range(25)]
B = [png(100 + value) for value in range(25)]
EXPECTED = {"one": [1, 11], "two": [2, 12]}
"""What `values` gives of `both_sides`."""


def fill(path: Path, value: int, channels: int = 3, size: tuple[int, int] = (4, 8), dtype: str = "uint8") -> Path:
    """Write an image of one value, height and width as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((*size, channels), value, dtype))
    return path


def both_sides(root: Path, a: str, b: str) -> None:
    """Write files of the same names into two folders."""
    for value, name in enumerate(("one", "two"), 1):
        fill(root / a / f"{name}.png", value)
        fill(root / b / f"{name}.webp", value + 10)


def values(root: Path, split: str = "train", **options: Any) -> dict[str, list[int]]:
    """Name of each row -> value of each of its images."""
    table = open_table(root, split, **options)
    return {
        name: [int(table.picture(row, column).pixels[0, 0, 0]) for column in table.columns]
        for row, name in enumerate(table.names)
    }


def tar(path: Path, members: Sequence[tuple[str, bytes]], *more: tarfile.TarInfo) -> Path:
    """Write a plain tar file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
        for info in more:
            file.addfile(info)
    return path
