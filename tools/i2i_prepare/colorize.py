"""Colour photographs and their brightness or lightness (Isola et al. 2017, black and white to colour)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from i2i.errors import DataError
from i2i.images import with_channels
from i2i.images.colour import lightness, rounded
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i_prepare.fitted import Square

IS_GRAY = "The photograph is gray: there is no colour to learn from it."


@dataclass(kw_only=True)
class Grayscale(Square):
    """Luma of a photograph, .299 R + .587 G + .114 B (ITU-R BT.601) -> the photograph.

    Both sides are stored as they look; for the Lab channels of pix2pix see `colorize`.

    Args:
        channels: Channels of the gray source; 3 equal ones go with tools that know colour only.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    channels: Literal[1, 3] = 1

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one photograph in colour.

        Raises:
            SkipError: If it is gray already.
            DataError: If it has other channels.
        """
        target = self.fitted(*images)
        if (target == target[..., :1]).all():
            raise SkipError("gray", IS_GRAY)
        return Pair(with_channels(with_channels(target, 1), self.channels), target)


@dataclass(kw_only=True)
class Colorize(Square):
    """Lightness L of a photograph -> its colours (Isola et al. 2017, black and white to colour).

    The paper learns the channels a and b of CIE Lab out of L. Lab in 8-bit files loses colours, so the photograph is
    stored as it is, and L as a gray image, 0..100 stretched to the range of its depth. Train with
    ``--set dataset.colours=lab``: L and ab are then taken from the photograph when it is read.

    Args:
        tolerance: A photograph whose channels differ by no more than this anywhere, of 255, is skipped as gray.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    tolerance: Annotated[float, Field(ge=0, le=255)] = 4

    def __call__(self, *images: Pixels) -> Pair:
        """Make the lightness (size, size, 1) and the photograph (size, size, 3), of the photograph's depth.

        Raises:
            SkipError: If the photograph is gray.
            DataError: If it has other channels than gray or RGB.
        """
        (photo,) = images
        if photo.shape[2] not in (1, 3):
            raise DataError(f"Colours are learnt from RGB photographs, not from {photo.shape[2]} channels. Convert it.")
        target = self.fitted(photo)  # judged where it is small: what is cut off need not be seen
        low, high = range_of(target.dtype)
        difference = target.max(2).astype(np.float64) - target.min(2)
        if difference.max() * 255 / (high - low) <= self.tolerance:
            raise SkipError("gray", IS_GRAY)
        return Pair(rounded(low + lightness(target) * ((high - low) / 100), target.dtype), target)
