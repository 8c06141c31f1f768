"""A dataset in which everything is wrong that `i2i data check` knows: from photographs, to look at its page.

python benchmarks/broken_dataset.py PHOTOS OUT
i2i data check OUT
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from i2i import images
from i2i.pairs import Pixels

SIZE = 128


def outlines(photo: Pixels) -> Pixels:
    return 255 - cv2.Canny(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), 80, 160)[..., None]


def crops(folder: Path) -> list[Pixels]:
    """Cut pictures of one size out of all photographs that can be read."""
    found = []
    for file in images.discover([folder]).files:
        try:
            photo = images.read(file, channels=3).pixels
        except images.ImageError as error:
            print(f"left out: {error}")
            continue
        if photo.dtype == np.uint8 and min(photo.shape[:2]) >= 256:
            half = images.fit(photo, (256, 512), "crop")
            found += [images.resize(half[:, left : left + 256], SIZE, SIZE) for left in (0, 256)]
    return found


def write_pair(folder: Path, name: str, source: Pixels, target: Pixels) -> None:
    for half, pixels in (("imageA", source), ("imageB", target)):
        (folder / half).mkdir(parents=True, exist_ok=True)
        images.write(folder / half / f"{name}.png", pixels)


def break_it(out: Path, photos: list[Pixels]) -> None:
    train, val = out / "train", out / "val"
    for number, photo in enumerate(photos):
        write_pair(train if number % 4 else val, f"photo-{number:02}", outlines(photo), photo)
    write_pair(val, "leaked", outlines(photos[1]), photos[1])
    soft = images.resize(images.resize(photos[2], 96, 96), SIZE, SIZE)
    write_pair(val, "recompressed", outlines(photos[2]), soft)
    write_pair(train, "twice", outlines(photos[5]), photos[5])
    write_pair(train, "blank", np.full((SIZE, SIZE, 1), 255, np.uint8), np.full((SIZE, SIZE, 3), 40, np.uint8))
    write_pair(train, "mask", (outlines(photos[6]) < 128).astype(np.uint8), photos[6])
    write_pair(train, "dark-16-bit", outlines(photos[7]), photos[7].astype(np.uint16))
    write_pair(train, "moved", np.roll(outlines(photos[15]), (9, -14), (0, 1)), photos[15])
    write_pair(train, "wide", outlines(photos[10]), images.resize(photos[10], 96, 160))
    write_pair(train, "tiny", outlines(photos[11])[:12, :12], photos[11][:12, :12])
    write_pair(train, "alpha-beta", outlines(photos[13]), photos[13])
    (train / "imageB" / "alpha-beta.png").rename(train / "imageB" / "alpha_beta.png")
    for name, cut in (("cut-off", 0.6), ("empty", 0.0)):
        write_pair(train, name, outlines(photos[14]), photos[14])
        file = train / "imageB" / f"{name}.png"
        file.write_bytes(file.read_bytes()[: int(file.stat().st_size * cut)])
    (train / "imageA" / "web-page.jpg").write_text("<!doctype html><title>404</title>")
    images.write(train / "imageB" / "web-page.png", photos[9])


if __name__ == "__main__":
    photographs, folder = map(Path, sys.argv[1:3])
    break_it(folder, crops(photographs))
    print(f"{folder} is broken. Next: i2i data check {folder}")
