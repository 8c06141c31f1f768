"""Pairs out of two folders of images that belong together by name, as for facades, maps and cityscapes of pix2pix."""

from typing import Annotated, ClassVar

from pydantic import Field

from i2i.errors import DataError
from i2i.images import geometry
from i2i.pairs import Pair, Pixels, Reading


class Concat:
    """An image and its partner of the same name -> a pair, each with its own channels and bit depth.

    Args:
        size: Height and width of source and target, pixels. As they are when not given; both must then agree.
        fit: How an image becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad`` puts
            white around it.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "image")

    def __init__(self, *, size: Annotated[int, Field(ge=1)] | None = None, fit: geometry.Fit = "crop") -> None:
        self.size = size
        self.fit = fit

    def __call__(self, *images: Pixels) -> Pair:
        """Make the pair of a source and its target.

        Raises:
            DataError: If their sizes differ and no size was asked for.
        """
        source, target = images
        if self.size is not None:
            return Pair(*(geometry.fit(image, self.size, self.fit) for image in (source, target)))
        if source.shape[:2] != target.shape[:2]:
            a, b = (f"{image.shape[1]}x{image.shape[0]}" for image in (source, target))
            raise DataError(
                f"The source is {a} and its target {b}. Bring both to one size, or ask for one with --size."
            )
        return Pair(source, target)
