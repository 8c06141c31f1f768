"""Draws what each preparer makes of real images, source beside target: ``python preparer_sheets.py OUT``.

Writes ``OUT/<preparer>.png``. Needs, beside i2i: ``pip install scikit-image scikit-learn``.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray
from photographs import photographs
from PIL import Image
from skimage.filters import gaussian
from skimage.measure import label, regionprops
from skimage.morphology import remove_small_holes, remove_small_objects
from skimage.segmentation import clear_border

from i2i.images import as_rgb, read, write
from i2i.images.geometry import fit, pad
from i2i.pairs import Pair, Pixels
from i2i.preparation import prepare
from i2i_prepare.colorize import Colorize, Grayscale
from i2i_prepare.downscale import Downscale
from i2i_prepare.edges import Edges
from i2i_prepare.frames import Frames
from i2i_prepare.halves import Concat, SplitAB
from i2i_prepare.inpaint import Inpaint
from i2i_prepare.labels import Labels
from i2i_prepare.mask import Mask
from i2i_prepare.palette import Palette
from i2i_prepare.resize import Resize

SIDE = 144
GAP = 6
COLOURS = 128
"""Of a sheet: PNG with a palette is small, and close enough to look at."""

Row = Sequence[Pixels]


def main(out: str) -> None:
    photos = dict(photographs(600))
    Path(out).mkdir(parents=True, exist_ok=True)
    sheets = {
        "edges": edges(photos),
        "grayscale": shown(Grayscale(size=SIDE)(photos[name]) for name in ("astronaut", "coffee", "flower")),
        "colorize": shown(Colorize(size=SIDE)(photos[name]) for name in ("chelsea", "china", "flower")),
        "concat": shown(Concat(size=SIDE)(matte(photos[name]), photos[name]) for name in ("coffee", "flower")),
        "split-ab": split_ab(photos),
        "inpaint": inpaint(photos),
        "mask": masked(photos),
        "palette": palettes(photos),
        "downscale": downscaled(photos),
        "labels": labelled(photos),
        "resize": resized(photos),
        "frames": frames(photos["china"]),
        "split": divided(photos),
    }
    for name, rows in sheets.items():
        path = Path(out) / f"{name}.png"
        sheet = Image.fromarray(np.vstack([beside(row) for row in rows]))
        sheet.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
        print(f"{path}: {sheet.width}x{sheet.height}, {path.stat().st_size / 1000:.0f} kB")


def beside(images: Row) -> Pixels:
    """Lay the images in a row, a white gap around each, at a whole multiple of their size where they are small."""
    return np.hstack([pad(as_rgb(image), image.shape[0] + GAP, image.shape[1] + GAP) for image in images])


def shown(pairs: Iterator[Pair] | Sequence[Pair], pairs_a_row: int = 3) -> list[Row]:
    """Lay pairs out, three a row."""
    images = [image for pair in pairs for image in pair]
    return [images[i : i + 2 * pairs_a_row] for i in range(0, len(images), 2 * pairs_a_row)]


def edges(photos: dict[str, Pixels]) -> list[Row]:
    """Show each photograph after its lines by HED, Canny and XDoG."""
    methods = [Edges(size=192), Edges(size=192, method="canny"), Edges(size=192, method="xdog")]
    names = ("astronaut", "china", "flower")
    return [[*(method(photos[name]).source for method in methods), fit(photos[name], 192, "crop")] for name in names]


def split_ab(photos: dict[str, Pixels]) -> list[Row]:
    """Show an A|B file, then both halves apart."""
    flower = photos["flower"]
    whole = np.hstack([fit(image, SIDE, "crop") for image in (matte(flower).repeat(3, 2), flower)])
    white = np.full((SIDE, SIDE // 4, 1), 255, np.uint8)
    return [[whole, white, *SplitAB()(whole)]]


def frames(photo: Pixels) -> list[Row]:
    """Show a camera that pans over a photograph: each frame, and the one that comes some frames later."""
    with TemporaryDirectory() as folder:
        video = Path(folder) / "pan.avi"
        writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 24, (SIDE * 2, SIDE * 2))
        for left in range(0, photo.shape[1] - 2 * SIDE, 4):
            writer.write(np.ascontiguousarray(photo[20 : 20 + 2 * SIDE, left : left + 2 * SIDE, ::-1]))
        writer.release()
        preparer = Frames(size=SIDE, gap=8)
        items = preparer.find([str(video)], lambda done, total: None).items
        made = [preparer.make(items[place]) for place in (0, len(items) // 2, len(items) - 1)]
        return shown([pair for pair in made if isinstance(pair, Pair)])


def divided(photos: dict[str, Pixels]) -> list[Row]:
    """Show photographs, and a copy of each half as large: the first row is for training, the second for validation."""
    with TemporaryDirectory() as folder:
        sources, whole, out = (Path(folder) / name for name in ("photos", "whole", "divided"))
        sources.mkdir()
        for name in ("astronaut", "chelsea", "china", "coffee", "flower", "rocket"):
            write(sources / f"{name}.png", photos[name])
            write(sources / f"{name} copy.png", fit(photos[name], min(photos[name].shape[:2]) // 2, "stretch"))
        prepare("grayscale", [sources], whole, options={"size": SIDE // 2, "fit": "stretch"}, workers=1)
        prepare("split", [whole], out, val=0.3, workers=1)
        splits = [sorted((out / split / "imageB").iterdir()) for split in ("train", "val")]
        rows = [[read(file).pixels for file in files] for files in splits]
    white = np.full((SIDE // 2, SIDE // 2, 3), 255, np.uint8)
    return [[*row, *[white] * (max(map(len, rows)) - len(row))] for row in rows]


def inpaint(photos: dict[str, Pixels]) -> list[Row]:
    choices = [
        ("china", Inpaint(size=SIDE)),
        ("rocket", Inpaint(size=SIDE, method="blocks", fill="mean")),
        ("astronaut", Inpaint(size=SIDE, method="strokes", share=0.2)),
    ]
    return shown(preparer(photos[name]) for name, preparer in choices)


def masked(photos: dict[str, Pixels]) -> list[Row]:
    """Show a cup and coins with mattes of their own files, a flower by its own opacity, on a dark ground."""
    coffee, coins, flower = photos["coffee"], photos["coins"], photos["flower"]
    return shown(
        [
            Mask(size=SIDE)(coffee, matte(coffee)),
            Mask(size=SIDE)(coins, soft(coins_by_size(coins)[..., 0] > 0)),
            Mask(size=SIDE, background="#203040")(np.dstack([flower, matte(flower)])),
        ]
    )


def matte(photo: Pixels) -> Pixels:
    """Draw a matte with soft edges, (H, W, 1), of what stands in the middle of a photograph (GrabCut)."""
    height, width = photo.shape[:2]
    box = (round(0.12 * width), round(0.02 * height), round(0.76 * width), round(0.94 * height))
    found = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo[..., ::-1].copy(), found, box, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    inside = remove_small_holes((found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD), max_size=found.size // 20)
    parts = label(cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, np.ones((15, 15), np.uint8)))
    return soft(parts == np.bincount(parts.ravel())[1:].argmax() + 1)


def soft(inside: NDArray[np.bool_]) -> Pixels:
    """Draw a matte with soft edges, (H, W, 1)."""
    return cv2.GaussianBlur(inside * np.uint8(255), (0, 0), 1.5)[..., None]


def palettes(photos: dict[str, Pixels]) -> list[Row]:
    complete = [Palette(size=SIDE)(photos[name]) for name in ("china", "flower", "astronaut")]
    image = [Palette(size=SIDE, target="image", blank=0)(photos[name]) for name in ("flower", "china")]
    hints = Palette(size=SIDE, target="image", source="hints", blank=0, k=8)(photos["coffee"])
    return shown([*complete, *image, hints])


def downscaled(photos: dict[str, Pixels]) -> list[Row]:
    choices = [
        ("chelsea", Downscale(size=SIDE)),
        ("astronaut", Downscale(size=SIDE, factor=8, upscale="nearest", method="area")),
        ("flower", Downscale(size=SIDE, blur=1, noise=8, jpeg=40)),
    ]
    return shown(preparer(fit(photos[name], 2 * SIDE, "crop")) for name, preparer in choices)


def labelled(photos: dict[str, Pixels]) -> list[Row]:
    """Show coins in the colours of PASCAL VOC, and in declared ones."""
    coins = photos["coins"]
    classes = coins_by_size(coins)
    with TemporaryDirectory() as folder:
        declared = Path(folder) / "labels.csv"
        declared.write_text("id,name,colour\n0,table,#2d4059\n1,small coin,#ea5455\n2,large coin,#ffd460\n")
        return shown(
            [Labels(size=SIDE)(classes, coins), Labels(labels=declared, size=SIDE, fit="stretch")(classes, coins)]
        )


def coins_by_size(photo: Pixels) -> Pixels:
    """Return ids of the coins, (H, W, 1): 1 small, 2 large, 0 between them."""
    gray = gaussian(photo[..., 0].astype(np.float64), 2)
    found = label(remove_small_objects(remove_small_holes(gray > gaussian(gray, 40) + 12, max_size=900), max_size=300))
    ids = np.zeros(found.shape, np.uint8)
    regions = regionprops(clear_border(found))
    middle = np.median([region.area for region in regions])
    for region in regions:
        ids[found == region.label] = 1 + (region.area > middle)
    return ids[..., None]


def resized(photos: dict[str, Pixels]) -> list[Row]:
    """Show one photograph in every fit: crop, pad, stretch, inside."""
    preparers = [
        Resize(size=SIDE),
        Resize(size=SIDE, fit="pad", background="#203040"),
        Resize(size=SIDE, fit="stretch"),
        Resize(size=SIDE, fit="inside"),
    ]
    return [[pad(preparer(photos["chelsea"]), SIDE, SIDE) for preparer in preparers]]


if __name__ == "__main__":
    main(sys.argv[1])
