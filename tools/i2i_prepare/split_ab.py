"""Pairs out of images that hold both halves side by side, as the datasets of pix2pix are distributed."""

from typing import Annotated, ClassVar

from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.pairs import Pair, Pixels, Reading


class SplitAB:
    """An image of panels side by side -> a pair of two of them, with their channels and bit depth.

    Args:
        panels: Panels of equal width in an image.
        source: Number of the panel that is the source, counted from 1 on the left.
        target: Number of the panel that is the target.
        gap: Width of what separates two panels, pixels; it is left out.
        size: Height and width of source and target, pixels. As they are when not given.
        fit: How a panel becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad`` puts
            white around it.

    Raises:
        UsageError: If there is no such panel, or both are the same.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(
        self,
        *,
        panels: Annotated[int, Field(ge=2)] = 2,
        source: Annotated[int, Field(ge=1)] = 1,
        target: Annotated[int, Field(ge=1)] = 2,
        gap: Annotated[int, Field(ge=0)] = 0,
        size: Annotated[int, Field(ge=1)] | None = None,
        fit: geometry.Fit = "crop",
    ) -> None:
        if max(source, target) > panels:
            raise UsageError(f"There is no panel {max(source, target)} of {panels}. Count from 1 on the left.")
        if source == target:
            raise UsageError(f"Source and target are both panel {source}. Give two different ones.")
        self.panels = panels
        self.chosen = (source, target)
        self.gap = gap
        self.size = size
        self.fit = fit

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
        starts = ((number - 1) * (width + self.gap) for number in self.chosen)
        source, target = (whole[:, start : start + width] for start in starts)
        if self.size is None:
            return Pair(source.copy(), target.copy())
        return Pair(geometry.fit(source, self.size, self.fit), geometry.fit(target, self.size, self.fit))
