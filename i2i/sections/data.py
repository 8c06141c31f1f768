"""Where the pairs are, and what is done to them before the networks see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from i2i.sections.section import Section


class Data(Section):
    """Where the pairs are, and how they are jittered (Isola et al. 2017, section 6.2)."""

    path: str
    crop: PositiveInt | tuple[PositiveInt, PositiveInt] = 256
    """Height and width of what the networks see: one number for both, or ``[height, width]``."""
    resize: PositiveInt | tuple[PositiveInt, PositiveInt] | Literal["auto", "keep"] = "auto"
    """Height and width before the random crop; ``auto`` is crop x 286/256, ``keep`` the size on disk."""
    mirror: bool | Literal["alternate"] = True
    """Mirror at random, left to right; ``alternate`` mirrors each pair in every other epoch."""
    rotate: bool = False
    """Turn at random by 0 to 3 quarters."""
    scale: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = None
    """Smallest and largest factor by which pairs are scaled at random before the crop, such as ``[0.9, 1.25]``."""
    colour: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How strongly brightness, contrast and saturation of the source are changed at random."""
    workers: Annotated[int, Field(ge=0)] = 1
    """Processes that read images; the result does not depend on it."""
    cache: Literal["auto", "none", "memory", "device"] = "auto"
    """Where images are kept once they are read: in main memory, or in that of the ``device`` that trains; ``auto``
    takes the latter first, where they fit into a quarter of what is free. The result does not depend on it."""

    @model_validator(mode="after")
    def _resize_holds_the_crop(self) -> Data:
        match self.resize:
            case "auto" | "keep":
                return self
            case int() if self.size[0] != self.size[1]:
                raise ValueError(f"resize is {self.resize} and crop {crop_value(self.size)}: say two numbers, or auto")
        resized = _both(self.resize)
        if resized[0] < self.size[0] or resized[1] < self.size[1]:
            raise ValueError(f"resize ({crop_value(resized)}) is smaller than crop ({crop_value(self.size)})")
        return self

    @model_validator(mode="after")
    def _jitter_can_be(self) -> Data:
        if self.rotate and self.size[0] != self.size[1]:
            raise ValueError(f"rotate is true and crop {crop_value(self.size)}: only squares are turned by quarters")
        if self.scale and self.scale[0] > self.scale[1]:
            raise ValueError(f"scale is {[*self.scale]}: say the smaller factor first")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of what the networks see."""
        return _both(self.crop)

    @property
    def resized(self) -> tuple[int, int] | Literal["auto", "keep"]:
        """Return ``resize``, as height and width where it is numbers."""
        return self.resize if isinstance(self.resize, str) else _both(self.resize)


def crop_value(size: tuple[int, int]) -> str:
    """Write height and width as ``data.crop`` is said.

    Example:
        >>> crop_value((256, 256)), crop_value((256, 128))
        ('256', '[256,128]')
    """
    return str(size[0]) if size[0] == size[1] else f"[{size[0]},{size[1]}]"


def _both(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size
