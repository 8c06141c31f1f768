"""The options of size that preparers have in common."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from i2i.images import geometry
from i2i.pairs import Pixels


@dataclass(kw_only=True)
class Fitted:
    """What brings its images to a square if one is asked for.

    Args:
        size: Height and width of source and target, pixels. As they are when not given.
        fit: How an image becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad`` puts
            white around it.
    """

    size: Annotated[int, Field(ge=1)] | None = None
    fit: geometry.Fit = "crop"

    def fitted(self, image: Pixels) -> Pixels:
        """Bring an image to size."""
        return image if self.size is None else geometry.fit(image, self.size, self.fit)


@dataclass(kw_only=True)
class Square(Fitted):
    """What brings its images to a square.

    Args:
        size: Height and width of source and target, pixels.
    """

    size: Annotated[int, Field(ge=1)] = 256
