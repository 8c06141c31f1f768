"""Draws photographs beside their HED and Canny edges: ``python edges_contact_sheet.py OUT.png``.

Needs, beside i2i: ``pip install scikit-image scikit-learn``.
"""

import sys

import numpy as np
from photographs import photographs
from PIL import Image

from i2i.images.geometry import fit, pad
from i2i.pairs import Pixels
from i2i_prepare.edges import Edges

SIDE = 256
GAP = 8
TRIPTYCHS_A_ROW = 2


def main(out: str) -> None:
    preparers = [Edges(size=SIDE), Edges(size=SIDE, method="canny")]
    rows = []
    for name, photo in photographs(2 * SIDE):
        drawings = [np.repeat(preparer(photo).source, 3, axis=2) for preparer in preparers]
        rows.append(beside([fit(photo, SIDE, "crop"), *drawings]))
        print(name, *(f"{(drawing == 0).mean():.1%} ink" for drawing in drawings))
    sheet = np.vstack([beside(rows[i : i + TRIPTYCHS_A_ROW]) for i in range(0, len(rows), TRIPTYCHS_A_ROW)])
    Image.fromarray(sheet).save(out, optimize=True)


def beside(images: list[Pixels]) -> Pixels:
    """Lay the images in a row, with a white gap around each."""
    return np.hstack([pad(image, image.shape[0] + GAP, image.shape[1] + GAP) for image in images])


if __name__ == "__main__":
    main(sys.argv[1])
