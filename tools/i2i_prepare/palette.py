"""The colours of an image: a palette to complete, or one to colour by."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import with_channels
from i2i.images.colour import rough_lab, rounded
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i_prepare import chance
from i2i_prepare.fitted import Square

SAMPLES = 8192
"""Pixels that the colours are looked for in."""

Colours = NDArray[np.float64]
"""(k, 3): RGB in the range of the image, or Lab."""


@dataclass(kw_only=True)
class Palette(Square):
    """The colours of an image, some of them blank -> all of them, or the image (palette completion, pix2pix community).

    Colours are the means of clusters that k-means finds in CIE Lab, from dark to light. Blanks are drawn chequered,
    since any plain colour could be one of the palette. Which are blank depends on the seed and on the image alone.

    Args:
        k: Colours of a palette.
        blank: Share of the colours that is left blank in the source, rounded to whole colours.
        target: ``palette``: all colours. ``image``: the image itself.
        source: ``stripes``: the colours side by side, of equal width. ``hints``: the image in gray, with a dot of each
            colour where it occurs, for colouring by hand; blank ones have no dot.
        seed: Another seed, other blanks.

    Raises:
        UsageError: If source and target do not go together, or would be equal.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    size: Annotated[int, Field(ge=32)] = 256
    k: Annotated[int, Field(ge=2, le=16)] = 5
    blank: Annotated[float, Field(ge=0, le=1)] = 0.4
    target: Literal["palette", "image"] = "palette"
    source: Literal["stripes", "hints"] = "stripes"
    seed: int = 0

    def __post_init__(self) -> None:
        self.blanks = round(self.blank * self.k)
        if self.target == "palette" and self.source == "hints":
            raise UsageError("Hints go with the image as target. Set target=image, or source=stripes.")
        if self.target == "palette" and self.blanks == 0:
            raise UsageError(f"With blank {self.blank:g} of {self.k} colours source and target are equal. Raise it.")

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one RGB image, in its depth.

        Raises:
            SkipError: If the image is gray, or has fewer colours.
            DataError: If it is neither gray nor RGB.
        """
        (image,) = images
        if image.shape[2] == 1:
            raise SkipError("gray", "The image is gray: it has no colours to learn from.")
        if image.shape[2] != 3:
            raise DataError(f"Palettes are of RGB images, not of {image.shape[2]} channels. Convert it first.")
        picture = self.fitted(image)
        random = chance.generator(self.seed, image)
        colours = palette_of(image, self.k, random)
        blank = np.zeros(self.k, bool)
        blank[random.permutation(self.k)[: self.blanks]] = True
        source = (stripes if self.source == "stripes" else hints)(colours, blank, picture)
        return Pair(source, picture if self.target == "image" else stripes(colours, np.zeros_like(blank), picture))


def palette_of(image: Pixels, k: int, random: np.random.Generator) -> Colours:
    """Find RGB of the k colours of an image, in its range, from dark to light: k-means in Lab on some of its pixels.

    Raises:
        SkipError: If the image has fewer colours than that.
    """
    pixels = image.reshape(-1, 3)
    pixels = pixels[np.sort(random.choice(len(pixels), min(SAMPLES, len(pixels)), replace=False))]
    if len(np.unique(pixels, axis=0)) < k:
        raise SkipError("few-colours", f"The image has fewer than {k} colours. Lower k to keep images such as this.")
    lab = rough_lab(pixels[None])[0]
    cv2.setRNGSeed(int(random.integers(2**31)))  # of this thread; k-means draws its first centres
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 50, 0.1)
    _, labels, centres = cv2.kmeans(lab, k, np.empty((0, 1), np.int32), until, 3, cv2.KMEANS_PP_CENTERS)
    # the mean of a cluster in RGB: unlike its centre in Lab, it is always a colour of sRGB
    means = np.stack([pixels[labels[:, 0] == label].mean(0, dtype=np.float64) for label in range(k)])
    return means[np.argsort(centres[:, 0], kind="stable")]


def stripes(colours: Colours, blank: NDArray[np.bool_], like: Pixels) -> Pixels:
    """Draw colours side by side from left to right, blank ones chequered, in the shape and depth of an image."""
    height, width = like.shape[:2]
    number = np.arange(width) * len(colours) // width
    drawn = np.broadcast_to(rounded(colours, like.dtype)[number], like.shape).copy()
    empty = np.broadcast_to(blank[number][None, :, None], like.shape)
    drawn[empty] = _chequers(height, width, like)[empty]
    return drawn


def hints(colours: Colours, blank: NDArray[np.bool_], picture: Pixels) -> Pixels:
    """Draw the picture in gray, with a dot of each colour that is not blank at the place nearest to it in Lab."""
    drawn = with_channels(with_channels(picture, 1), 3).copy()
    values = rounded(colours, picture.dtype)
    lab = rough_lab(picture)
    radius = max(1, len(picture) // 40)
    for colour, place in zip(values[~blank], rough_lab(values[None])[0][~blank], strict=True):
        distance = cv2.blur(((lab - place) ** 2).sum(2), (2 * radius + 1, 2 * radius + 1))
        y, x = np.unravel_index(np.argmin(distance), picture.shape[:2])
        drawn[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = colour
    return drawn


def _chequers(height: int, width: int, like: Pixels) -> Pixels:
    """Draw white and light gray squares, a 16th of the width each."""
    y, x = np.indices((height, width)) // max(1, width // 16)
    low, high = range_of(like.dtype)
    shades = rounded(np.array([high, low + 0.8 * (high - low)]), like.dtype)
    chequers: Pixels = shades[(y + x) % 2]
    return chequers[..., None].repeat(3, axis=2)
