"""Colour photographs and their brightness, for colourisation (Isola et al. 2017, black and white to colour)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from i2i.images import geometry, with_channels
from i2i.pairs import Pair, Pixels, Reading, SkipError


class Grayscale:
    """Luma of a photograph, .299 R + .587 G + .114 B (ITU-R BT.601) -> the photograph.

    Both sides are stored as they look; for the Lab channels of pix2pix see `colorize`.

    Args:
        size: Height and width of source and target, pixels.
        fit: How a photograph becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad``
            puts white around it.
        channels: Channels of the gray source; 3 equal ones go with tools that know colour only.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=1)] = 256,
        fit: geometry.Fit = "crop",
        channels: Literal[1, 3] = 1,
    ) -> None:
        self.size = size
        self.fit = fit
        self.channels = channels

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one photograph in colour.

        Raises:
            SkipError: If it is gray already.
            DataError: If it has other channels.
        """
        (photo,) = images
        target = geometry.fit(photo, self.size, self.fit)
        if (target == target[..., :1]).all():
            raise SkipError("gray", "The photograph is gray: there is no colour to learn from it.")
        return Pair(with_channels(with_channels(target, 1), self.channels), target)
