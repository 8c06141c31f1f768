"""Photographs and the same with another background, for background removal."""

from dataclasses import dataclass
from typing import ClassVar

from i2i.errors import DataError
from i2i.images import geometry, with_channels
from i2i.images.colour import blend, values_of
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i_prepare.background import colour_of
from i2i_prepare.fitted import Square


@dataclass(kw_only=True)
class Mask(Square):
    """A photograph as it is -> the same on a plain background (background masking, Isola et al. 2017, community work).

    What belongs to the foreground is said by the photograph's own opacity, or by a matte of the same name in a second
    folder: a gray image, white where the foreground is, or a cutout that is transparent elsewhere. A matte has
    precedence. Soft edges are blended.

    Args:
        fit: How a photograph becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad``
            puts the background around it.
        background: Colour behind the foreground of the target: a name such as ``white``, or ``#rrggbb``.
        resize_matte: Bring a matte of another size to that of its photograph, instead of rejecting it.

    Raises:
        UsageError: If the background is no colour.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("alpha", "alpha")
    optional: ClassVar[int] = 1
    background: str = "white"
    resize_matte: bool = False

    def __post_init__(self) -> None:
        self.colour = colour_of(self.background, "background")

    def __call__(self, *images: Pixels) -> Pair:
        """Make a pair of the colours as they are stored and the foreground on the background.

        Raises:
            SkipError: If everything is foreground, or nothing is.
            DataError: If nothing says what is foreground, or the matte has another size.
        """
        photo, *mattes = images
        if photo.shape[2] > 4:
            raise DataError(f"A photograph of {photo.shape[2]} channels has no background to mask. Convert it to RGB.")
        colours = photo[..., : 1 if photo.shape[2] < 3 else 3]
        opacity = self._matte(mattes[0], colours) if mattes else _own_opacity(photo)
        transparent, opaque = range_of(opacity.dtype)
        if opacity.min() == opaque:
            raise SkipError("opaque", "Everything is foreground: there is no background to remove.")
        if opacity.max() == transparent:
            raise SkipError("empty", "Nothing is foreground: the picture is all background.")
        # blended before it is resized: colours under transparent pixels would bleed into the edges otherwise
        target = blend(colours, opacity, self.colour)
        around = values_of(self.colour, colours.shape[2], colours.dtype)
        return Pair(*(geometry.fit(image, self.size, self.fit, around) for image in (colours, target)))

    def _matte(self, matte: Pixels, photo: Pixels) -> Pixels:
        if matte.shape[:2] != photo.shape[:2] and not self.resize_matte:
            sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (photo, matte)]
            raise DataError(
                f"The photograph is {sizes[0]} and its matte {sizes[1]}. Bring them to one size, or set resize_matte."
            )
        height, width = photo.shape[:2]
        return geometry.resize(_opacity_of(matte), height, width)


def _opacity_of(matte: Pixels) -> Pixels:
    """Return the opacity that a matte says: its own where it has some, else its luma."""
    if matte.shape[2] not in (2, 4):
        return with_channels(matte, 1)
    opacity = matte[..., -1:]
    _, opaque = range_of(matte.dtype)
    return with_channels(matte[..., :-1], 1) if opacity.min() == opaque else opacity


def _own_opacity(photo: Pixels) -> Pixels:
    if photo.shape[2] in (2, 4):
        return photo[..., -1:]
    raise DataError(
        "The photograph has no transparency and no matte. Give a folder of mattes of the same names after that of the "
        "photographs."
    )
