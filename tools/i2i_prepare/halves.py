"""Pairs of which both sides are there: in two folders, or side by side in one image."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.pairs import Pair, Pixels, Reading
from i2i_prepare.fitted import Fitted


@dataclass(kw_only=True)
class Concat(Fitted):
    """An image and its partner of the same name -> a pair, each with its own channels and bit depth."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "image")

    def __call__(self, *images: Pixels) -> Pair:
        """Make the pair of a source and its target.

        Raises:
            DataError: If their sizes differ and no size was asked for.
        """
        source, target = map(self.fitted, images)
        if source.shape[:2] != target.shape[:2]:
            a, b = (f"{image.shape[1]}x{image.shape[0]}" for image in (source, target))
            raise DataError(
                f"The source is {a} and its target {b}. Bring both to one size, or ask for one with --size."
            )
        return Pair(source, target)


@dataclass(kw_only=True)
class SplitAB(Fitted):
    """An image of panels side by side -> a pair of two of them, with their channels and bit depth.

    Args:
        panels: Panels of equal width in an image.
        source: Number of the panel that is the source, counted from 1 on the left.
        target: Number of the panel that is the target.
        gap: Width of what separates two panels, pixels; it is left out.

    Raises:
        UsageError: If there is no such panel, or both are the same.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    panels: Annotated[int, Field(ge=2)] = 2
    source: Annotated[int, Field(ge=1)] = 1
    target: Annotated[int, Field(ge=1)] = 2
    gap: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if max(self.source, self.target) > self.panels:
            wrong = max(self.source, self.target)
            raise UsageError(f"There is no panel {wrong} of {self.panels}. Count from 1 on the left.")
        if self.source == self.target:
            raise UsageError(f"Source and target are both panel {self.source}. Give two different ones.")

    def __call__(self, *images: Pixels) -> Pair:
        """Cut out the two panels, bit by bit where no size is asked for.

        Raises:
            DataError: If the width is not that of equal panels.
        """
        (whole,) = images
        width, left = divmod(whole.shape[1] - self.gap * (self.panels - 1), self.panels)
        if left or width < 1:
            gaps = f" and gaps of {self.gap}" if self.gap else ""
            raise DataError(
                f"An image {whole.shape[1]} pixels wide is not {self.panels} panels of equal width{gaps}. "
                "Set panels and gap to what it holds, or crop it."
            )
        starts = ((number - 1) * (width + self.gap) for number in (self.source, self.target))
        return Pair(*(self.fitted(whole[:, start : start + width].copy()) for start in starts))
