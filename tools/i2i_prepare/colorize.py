"""Colour photographs and their lightness, for colourisation (Isola et al. 2017, black and white to colour)."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError
from i2i.images import geometry
from i2i.images.colour import rounded
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of

LUMINANCE = (0.212671, 0.715160, 0.072169)
"""Weights of linear red, green and blue in the luminance Y of sRGB with white D65 (ITU-R BT.709)."""


class Colorize:
    """Lightness L of a photograph -> its colours (Isola et al. 2017, black and white to colour).

    The paper learns the channels a and b of CIE Lab out of L. Lab in 8-bit files loses colours, so the photograph is
    stored as it is, and L as a gray image, 0..100 stretched to the range of its depth. Train with
    ``--set dataset.colours=lab``: L and ab are then taken from the photograph when it is read.

    Args:
        size: Height and width of source and target, pixels.
        fit: How a photograph becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad``
            puts white around it.
        tolerance: A photograph whose channels differ by no more than this anywhere, of 255, is skipped as gray.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=1)] = 256,
        fit: geometry.Fit = "crop",
        tolerance: Annotated[float, Field(ge=0, le=255)] = 4,
    ) -> None:
        self.size = size
        self.fit = fit
        self.tolerance = tolerance

    def __call__(self, *images: Pixels) -> Pair:
        """Lightness (size, size, 1) and photograph (size, size, 3), of the photograph's depth.

        Raises:
            SkipError: If the photograph is gray.
            DataError: If it has other channels than gray or RGB.
        """
        (photo,) = images
        if photo.shape[2] not in (1, 3):
            raise DataError(f"Colours are learnt from RGB photographs, not from {photo.shape[2]} channels. Convert it.")
        # judged where it is small: what is cut off need not be seen
        target = geometry.fit(photo, self.size, self.fit)
        if colourfulness(target) <= self.tolerance:
            raise SkipError("gray", "The photograph is gray: there is no colour to learn from it.")
        low, high = range_of(target.dtype)
        return Pair(rounded(low + lightness(target) * ((high - low) / 100), target.dtype), target)


def colourfulness(photo: Pixels) -> float:
    """Largest difference between two channels of a pixel, of 255."""
    low, high = range_of(photo.dtype)
    difference = photo.max(2).astype(np.float64) - photo.min(2)
    return float(difference.max()) * 255 / (high - low)


def lightness(photo: Pixels) -> NDArray[np.float64]:
    """Lightness L of CIE 1976 L*a*b*, (H, W, 1) in 0..100, of an RGB image in sRGB."""
    luminance = (linear_light(photo) @ np.array(LUMINANCE))[..., None]
    cube_root = np.where(luminance > (6 / 29) ** 3, np.cbrt(luminance), luminance * (29 / 6) ** 2 / 3 + 4 / 29)
    found: NDArray[np.float64] = np.clip(116 * cube_root - 16, 0, 100)
    return found


def linear_light(photo: Pixels) -> NDArray[np.float64]:
    """Return values of sRGB without their transfer function (IEC 61966-2-1), 0..1."""
    low, high = range_of(photo.dtype)
    integers = photo.dtype != np.float32
    levels = np.arange(high + 1) if integers else photo.astype(np.float64)  # every level once is quicker
    encoded = (levels - low) / (high - low)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.float64] = linear[photo] if integers else linear
    return light
