"""Images brought to another size, one file for each."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.images.colour import blend, rounded, values_of
from i2i.pairs import Pixels, Reading, SkipError, range_of
from i2i_prepare.background import colour_of

Side = Annotated[int, Field(ge=1)]


@dataclass(kw_only=True)
class Resize:
    """An image -> the image at another size, in a folder of images, with its channels and bit depth.

    Args:
        size: Height and width, pixels.
        width: Width, pixels, instead of ``size``. With ``height`` not given, the proportions are kept.
        height: Height, pixels.
        fit: How an image takes other proportions: ``crop`` keeps its centre, ``stretch`` gives them up, ``pad`` puts
            the background around it, ``inside`` keeps them, so that one side may be shorter than asked for.
        multiple: Height and width are cut, at the centre, to multiples of this.
        enlarge: Whether images may grow. If not, ``inside`` and ``pad`` leave small ones as they are, ``crop`` and
            ``stretch`` skip them.
        background: Colour of ``pad``, and behind what is transparent: a name such as ``white``, or ``#rrggbb``.
        alpha: What the last of two or four channels is: opacity to ``lay`` the image on the background with or to
            ``keep``, or a ``band`` like the others, as of multispectral images. Opacity is written as that of a PNG,
            bands as .npy.

    Raises:
        UsageError: If no size is given, or sizes contradict each other.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("alpha",)
    size: Side | None = None
    width: Side | None = None
    height: Side | None = None
    fit: Literal["crop", "stretch", "pad", "inside"] = "crop"
    multiple: Side = 1
    enlarge: bool = True
    background: str = "white"
    alpha: Literal["lay", "keep", "band"] = "lay"

    def __post_init__(self) -> None:
        if self.size is not None and not (self.width is None and self.height is None):
            raise UsageError("size is both width and height. Give either size, or width and height.")
        if self.size is None and self.width is None and self.height is None and self.multiple == 1:
            raise UsageError("There is nothing to do. Give size, width, height or multiple.")
        width, height = self.size or self.width, self.size or self.height
        if self.fit != "inside" and width and height and (width % self.multiple or height % self.multiple):
            raise UsageError(f"{width}x{height} is no multiple of {self.multiple}. Change the size or multiple.")
        self.asked = (height, width)
        self.colour = colour_of(self.background, "background")
        self.makes_alpha = self.alpha == "keep"

    def __call__(self, *images: Pixels) -> Pixels:
        """Return the image at its new size, of the same dtype.

        Raises:
            SkipError: If it would have to grow, and may not.
            DataError: If it is smaller than ``multiple``.
        """
        (image,) = images
        if image.shape[2] in (2, 4) and self.alpha == "keep":
            # around what is transparent there is nothing to see, so no background either
            return _unweighed(self._resized(_weighed(image), np.zeros(image.shape[2])), image.dtype)
        if image.shape[2] in (2, 4) and self.alpha == "lay":
            image = blend(image[..., :-1], image[..., -1:], self.colour)
        return self._resized(image, values_of(self.colour, image.shape[2], image.dtype))

    def _resized(self, image: Pixels, ground: NDArray[np.float64]) -> Pixels:
        """Return the image at its new size, with (C,) values around it where it is padded."""
        old_height, old_width = image.shape[:2]
        height, width = self._new_size(old_height, old_width)
        if self.fit == "crop" or self.fit == "stretch":
            if not self.enlarge and (height > old_height or width > old_width):
                message = f"The image is {old_width}x{old_height}, less than {width}x{height}, and may not be enlarged."
                raise SkipError("too-small", message)
            return self._cut(geometry.fit(image, (height, width), self.fit))
        inside = geometry.inside(old_height, old_width, height, width)
        if not self.enlarge and max(inside) > max(old_height, old_width):
            inside = old_height, old_width
        resized = geometry.resize(image, *inside)
        return self._cut(geometry.pad(resized, height, width, ground) if self.fit == "pad" else resized)

    def _new_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that an image of this size is brought to."""
        asked_height, asked_width = self.asked
        new_height = asked_height or (max(1, round(height * asked_width / width)) if asked_width else height)
        new_width = asked_width or (max(1, round(width * asked_height / height)) if asked_height else width)
        return new_height, new_width

    def _cut(self, image: Pixels) -> Pixels:
        height, width = (side // self.multiple * self.multiple for side in image.shape[:2])
        if not (height and width):
            size = f"{image.shape[1]}x{image.shape[0]}"
            raise DataError(f"The image is {size}, less than one multiple of {self.multiple}. Ask for a larger size.")
        return geometry.crop(image, height, width)


def _weighed(image: Pixels) -> Pixels:
    """Return colours in 0..1 times their opacity, then the opacity: what may be averaged. (H, W, C), float32."""
    low, high = range_of(image.dtype)
    values = (image.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    values[..., :-1] *= values[..., -1:]
    return values


def _unweighed(weighed: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Return the reverse of `_weighed`; black where nothing is left to see."""
    low, high = range_of(dtype)
    values = np.clip(weighed, 0, 1).astype(np.float64)
    opacity = values[..., -1:]
    np.divide(values[..., :-1], opacity, out=values[..., :-1], where=opacity > 0)
    return rounded(low + np.clip(values, 0, 1) * (high - low), dtype)
