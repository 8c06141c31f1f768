"""The paper's jitter (section 6.2): resize, random crop, random mirror, the same for aligned fields; more by name."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i import images
from i2i.data.order import keyed
from i2i.data.recolour import recolour
from i2i.errors import DataError
from i2i.fields import Field
from i2i.images.geometry import crop, flip, pick
from i2i.pairs import Pixels
from i2i.sections.data import Data

PAPER_RATIO = 286 / 256
RECOLOURED = "source"
"""The field whose colours are changed: what is made must not depend on its light."""

Size = tuple[int, int]
"""Height and width, pixels."""


class Draws(NamedTuple):
    """Where the jitter of an item is drawn from in an epoch, for each group of fields on its own."""

    seed: int
    epoch: int
    item: int

    def of(self, group: str) -> Random:
        """Return a generator, always in the same state."""
        return keyed(self.seed, self.epoch, self.item, *filter(None, [group]))

    def alternates(self, group: str) -> bool:
        """Return whether this is one of every other epochs, of which the first is drawn."""
        first = keyed(self.seed, self.item, "mirror", group).random() < 0.5
        return first == (self.epoch % 2 == 0)


class Jitter(NamedTuple):
    """What is done to an item before the networks see it: to images and ids; vectors pass as they are.

    Args:
        crop: Height and width that come out.
        resize: Height and width before the random crop, or None to keep the size on disk.
        mirror: Whether half of the items are mirrored, left to right; ``alternate``: each in every other epoch (Jordan
            2024, arXiv 2404.00498).
        rotate: Whether items are turned by 0 to 3 quarters; the crop is a square then.
        scale: Smallest and largest factor of the size before the crop, evenly drawn on a logarithmic scale.
        colour: How strongly the source's colours are changed, in 0..1; see `recolour`.
    """

    crop: Size
    resize: Size | None
    mirror: bool | Literal["alternate"]
    rotate: bool = False
    scale: tuple[float, float] | None = None
    colour: float = 0.0

    def train(
        self, item: Mapping[str, Pixels], fields: Mapping[str, Field], draws: Draws, name: str = ""
    ) -> dict[str, Pixels]:
        """Jitter an item as training sees it: the fields of a group alike, those of different groups independently.

        Args:
            item: Its fields, by name.
            fields: What each of them is.
            draws: Where its jitter is drawn from.
            name: What errors call the item.

        Raises:
            DataError: If something is too small for the crop, or aligned fields differ in size and are not resized.
        """
        jittered = dict(item)
        for group, aligned in _groups(item, fields):
            drawn = self._draw(draws, group)
            resized = {field: self._resized(aligned[field], fields[field], drawn) for field in aligned}
            self._check(resized, name)
            window = self._window(next(iter(resized.values())).shape[:2], drawn)
            jittered.update({field: window.of(pixels) for field, pixels in resized.items()})
            if self.colour and RECOLOURED in aligned and fields[RECOLOURED].kind == "image":
                jittered[RECOLOURED] = recolour(jittered[RECOLOURED], self.colour, drawn.rest)
        return jittered

    def resting(self, item: Mapping[str, Pixels], fields: Mapping[str, Field], name: str = "") -> dict[str, Pixels]:
        """Do all of `train` that is the same each time: what is left is to take a `window` of every group.

        Raises:
            DataError: As for `train`.
        """
        return self._still(item, fields, self.resize, name)

    @property
    def moving(self) -> str:
        """Return the setting by which more than a `window` is drawn, or nothing."""
        return "data.scale" if self.scale else "data.colour" if self.colour else ""

    def window(self, size: Size, draws: Draws, group: str) -> "Window":
        """Draw what networks see of images of a size, after they are resized."""
        return self._window(size, self._draw(draws, group))

    def test(self, item: Mapping[str, Pixels], fields: Mapping[str, Field], name: str = "") -> dict[str, Pixels]:
        """Crop an item as validation sees it: no jitter; the whole picture, or its centre where sizes are kept.

        Raises:
            DataError: As for `train`.
        """
        still = self._still(item, fields, self.resize and self.crop, name)
        return {
            field: pixels if fields[field].kind == "vector" else crop(pixels, *self.crop)
            for field, pixels in still.items()
        }

    def _still(
        self, item: Mapping[str, Pixels], fields: Mapping[str, Field], size: Size | None, name: str
    ) -> dict[str, Pixels]:
        still = dict(item)
        for _, aligned in _groups(item, fields):
            resized = {field: _resize(pixels, fields[field], size) for field, pixels in aligned.items()}
            self._check(resized, name)
            still.update(resized)
        return still

    def _draw(self, draws: Draws, group: str) -> "Drawn":
        of_group = draws.of(group)
        # always as many draws, so that what one setting draws never shifts another's
        down, right, mirror, turn, scale = (of_group.random() for _ in range(5))
        mirrored = draws.alternates(group) if self.mirror == "alternate" else self.mirror and mirror < 0.5
        low, high = self.scale or (1.0, 1.0)
        turns = int(4 * turn) if self.rotate else 0
        return Drawn(down, right, mirrored, turns, low * (high / low) ** scale, of_group)

    def _resized(self, pixels: Pixels, field: Field, drawn: "Drawn") -> Pixels:
        if self.scale is None:
            return _resize(pixels, field, self.resize)
        height, width = self.resize or pixels.shape[:2]
        # no smaller than the crop, in the same aspect ratio
        factor = max(drawn.scale, self.crop[0] / height, self.crop[1] / width)
        return _resize(pixels, field, (round(height * factor), round(width * factor)))

    def _window(self, size: Size, drawn: "Drawn") -> "Window":
        (height, width), (rows, columns) = size, self.crop
        top, left = int(drawn.down * (height - rows + 1)), int(drawn.right * (width - columns + 1))
        return Window(slice(top, top + rows), slice(left, left + columns), drawn.mirrored, drawn.turns)

    def _check(self, aligned: Mapping[str, Pixels], name: str) -> None:
        (first, pixels), *others = aligned.items()
        size = pixels.shape[:2]
        for field, other in others:
            if other.shape[:2] != size:
                sizes = f"{first} is {_size(size)}, {field} {_size(other.shape)}"
                raise DataError(f"{name}: {sizes}. Set data.resize=auto, or to a size.")
        crop_height, crop_width = self.crop
        if size[0] < crop_height or size[1] < crop_width:
            said = crop_height if crop_height == crop_width else f"[{crop_height}, {crop_width}]"
            raise DataError(f"{name} is {_size(size)}, smaller than data.crop ({said}). Lower it, or set data.resize.")


class Drawn(NamedTuple):
    """What is drawn for a group of fields."""

    down: float
    right: float
    mirrored: bool
    turns: int
    scale: float
    rest: Random
    """Where more may be drawn from."""


class Window(NamedTuple):
    """A part of an image, maybe mirrored left to right, then turned against the clock by quarters."""

    rows: slice
    columns: slice
    mirrored: bool
    turns: int = 0

    def of(self, pixels: Pixels) -> Pixels:
        """Cut it out of an image, (H, W, C)."""
        window = pixels[self.rows, self.columns]
        return np.rot90(flip(window) if self.mirrored else window, self.turns)

    def of_planes(self, planes: Tensor) -> Tensor:
        """Cut it out of an image that is stored as networks see it, (..., H, W)."""
        window = planes[..., self.rows, self.columns]
        if not (self.mirrored or self.turns):
            return window
        # torch turns no 16 bits that have no sign
        bits = window.view(torch.int16) if window.dtype == torch.uint16 else window
        return torch.rot90(bits.flip(-1) if self.mirrored else bits, self.turns, (-2, -1)).view(window.dtype)


def jitter_of(data: Data) -> Jitter:
    """Return the jitter of a configuration's ``data`` section."""
    size, resize = data.size, data.resized
    if resize == "auto":
        resize = (round(size[0] * PAPER_RATIO), round(size[1] * PAPER_RATIO))
    return Jitter(size, None if resize == "keep" else resize, data.mirror, data.rotate, data.scale, data.colour)


def _groups(item: Mapping[str, Pixels], fields: Mapping[str, Field]) -> Iterator[tuple[str, dict[str, Pixels]]]:
    """Yield each group, and its images and ids by field."""
    groups: dict[str, dict[str, Pixels]] = {}
    for field, pixels in item.items():
        if fields[field].kind != "vector":
            groups.setdefault(fields[field].group, {})[field] = pixels
    yield from groups.items()


def _resize(pixels: Pixels, field: Field, size: Size | None) -> Pixels:
    if size is None:
        return pixels
    return pick(pixels, *size) if field.kind == "ids" else images.resize(pixels, *size)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
