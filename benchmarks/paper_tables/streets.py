"""CamVid as a dataset folder: photographs, labels as colours and labels as ids, at the size of a profile."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i import images
from i2i.pairs import Pixels
from paper_tables.cells import VOID

COLOURS = np.array(
    [
        (128, 128, 128),  # sky
        (128, 0, 0),  # building
        (192, 192, 128),  # pole
        (128, 64, 128),  # road
        (60, 40, 222),  # pavement
        (128, 128, 0),  # tree
        (192, 128, 128),  # sign
        (64, 64, 128),  # fence
        (64, 0, 128),  # car
        (64, 64, 0),  # pedestrian
        (0, 128, 192),  # bicyclist
        (0, 0, 0),  # void
    ],
    np.uint8,
)
"""The usual colour of each id of CamVid, (12, 3)."""

TESTED = "Seq05VD_*"
"""Frames of the split test that are judged: the other drive in it is in the split train as well."""


def prepare_streets(camvid: Path, folder: Path, size: int) -> None:
    """Write CamVid at a size, unless it is there: ``SPLIT/photo``, ``SPLIT/colours`` and ``SPLIT/ids``.

    Photographs become the mean of what a pixel covers, labels what lies in the middle of it.

    Args:
        camvid: Folder of ``train``, ``val`` and ``test``, each of ``photo/*.jpg`` and ``labels/*.png`` with class ids.
        folder: The dataset folder.
        size: Height and width in pixels, which divide those of the files.
    """
    if folder.exists():
        return
    begun = folder.with_name(folder.name + ".begun")
    shutil.rmtree(begun, ignore_errors=True)
    for split in ("train", "val", "test"):
        for column in ("photo", "colours", "ids"):
            (begun / split / column).mkdir(parents=True)
        for file in sorted((camvid / split / "photo").glob(TESTED if split == "test" else "*")):
            photo = images.read(file).pixels
            ids = smaller(images.read(camvid / split / "labels" / f"{file.stem}.png").pixels, size)
            columns = {"photo": images.resize(photo, size, size), "ids": ids, "colours": coloured(ids)}
            for column, pixels in columns.items():
                images.write(begun / split / column / f"{file.stem}.png", pixels)
    begun.rename(folder)


def smaller(ids: Pixels, size: int) -> Pixels:
    """Return label ids (H, W, 1) at a size that divides H, by the pixel in the middle of each new one."""
    step = ids.shape[0] // size
    return ids[step // 2 :: step, step // 2 :: step]


def coloured(ids: Pixels) -> Pixels:
    """Return the colours of label ids: (H, W, 1) to (H, W, 3)."""
    return COLOURS[ids[:, :, 0]]


def nearest_ids(pixels: Pixels) -> Pixels:
    """Return the id whose colour is the nearest one to each pixel's, void left out: (H, W, 3) to (H, W, 1)."""
    distance = ((pixels[:, :, None].astype(int) - COLOURS[:VOID].astype(int)) ** 2).sum(-1)
    nearest: Pixels = distance.argmin(-1, keepdims=True).astype(np.uint8)
    return nearest


class Tested(NamedTuple):
    """The frames that are judged."""

    names: list[str]
    photos: list[Pixels]
    ids: list[Pixels]

    @property
    def colours(self) -> list[Pixels]:
        return [coloured(ids) for ids in self.ids]


def tested(folder: Path) -> Tested:
    """Read the frames of a dataset folder that are judged."""
    photos, ids = read_images(folder / "test" / "photo"), read_images(folder / "test" / "ids")
    return Tested(list(photos), list(photos.values()), list(ids.values()))


def read_images(folder: Path) -> dict[str, Pixels]:
    """Read the PNG files of a folder, by name."""
    return {file.stem: images.read(file).pixels for file in sorted(folder.glob("*.png"))}
