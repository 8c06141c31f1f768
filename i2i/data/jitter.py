"""The paper's jitter: resize, random crop, random mirror, the same for aligned fields (section 6.2)."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Literal, NamedTuple

import numpy as np

from i2i import images
from i2i.errors import DataError
from i2i.fields import Field
from i2i.images.geometry import crop, pick
from i2i.pairs import Pixels

PAPER_RATIO = 286 / 256

Size = tuple[int, int]
"""Height and width, pixels."""


class Jitter(NamedTuple):
    """What is done to an item before the networks see it: to images and ids; vectors pass as they are.

    Args:
        crop: Height and width that come out.
        resize: Height and width before the random crop, or None to keep the size on disk.
        mirror: Whether half of the items are mirrored, left to right.
    """

    crop: Size
    resize: Size | None
    mirror: bool

    def train(
        self, item: Mapping[str, Pixels], fields: Mapping[str, Field], rng: Callable[[str], Random], name: str = ""
    ) -> dict[str, Pixels]:
        """Jitter an item as training sees it: the fields of a group alike, those of different groups independently.

        Args:
            item: Its fields, by name.
            fields: What each of them is.
            rng: Group -> where its crop and mirror are drawn from.
            name: What errors call the item.

        Raises:
            DataError: If something is too small for the crop, or aligned fields differ in size and are not resized.
        """
        jittered = dict(item)
        for group, aligned in self._resized(item, fields, self.resize, name):
            window = self.window(next(iter(aligned.values())).shape[:2], rng(group))
            jittered.update({field: window.of(pixels) for field, pixels in aligned.items()})
        return jittered

    def resting(self, item: Mapping[str, Pixels], fields: Mapping[str, Field], name: str = "") -> dict[str, Pixels]:
        """Do all of `train` that is the same each time: what is left is to take a `window` of every group.

        Raises:
            DataError: As for `train`.
        """
        resting = dict(item)
        for _, aligned in self._resized(item, fields, self.resize, name):
            resting.update(aligned)
        return resting

    def window(self, size: Size, draws: Random) -> "Window":
        """Draw what networks see of images of a size, after they are resized."""
        # always three draws, so that what one setting draws never shifts another's
        down, right, mirror = draws.random(), draws.random(), draws.random()
        (height, width), (rows, columns) = size, self.crop
        top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
        return Window(slice(top, top + rows), slice(left, left + columns), self.mirror and mirror < 0.5)

    def test(self, item: Mapping[str, Pixels], fields: Mapping[str, Field], name: str = "") -> dict[str, Pixels]:
        """Crop an item as validation sees it: no jitter; the whole picture, or its centre where sizes are kept.

        Raises:
            DataError: As for `train`.
        """
        cropped = dict(item)
        for _, aligned in self._resized(item, fields, self.resize and self.crop, name):
            cropped.update({field: crop(pixels, *self.crop) for field, pixels in aligned.items()})
        return cropped

    def _resized(
        self, item: Mapping[str, Pixels], fields: Mapping[str, Field], size: Size | None, name: str
    ) -> list[tuple[str, dict[str, Pixels]]]:
        """Return each group, and its images and ids by field, of one size and no smaller than the crop."""
        groups: dict[str, dict[str, Pixels]] = {}
        for field, pixels in item.items():
            if fields[field].kind != "vector":
                resized = pixels if size is None else _resize(pixels, size, nearest=fields[field].kind == "ids")
                groups.setdefault(fields[field].group, {})[field] = resized
        for aligned in groups.values():
            self._check(aligned, name)
        return list(groups.items())

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


class Window(NamedTuple):
    """A part of an image, maybe mirrored left to right."""

    rows: slice
    columns: slice
    mirrored: bool

    def of(self, pixels: Pixels) -> Pixels:
        """Cut it out, in memory of its own."""
        window = pixels[self.rows, self.columns]
        return np.ascontiguousarray(window[:, ::-1] if self.mirrored else window)


def jitter_of(size: Size, resize: Size | Literal["auto", "keep"], mirror: bool) -> Jitter:
    """Return the jitter of a configuration's ``data`` section."""
    if resize == "auto":
        resize = (round(size[0] * PAPER_RATIO), round(size[1] * PAPER_RATIO))
    return Jitter(size, None if resize == "keep" else resize, mirror)


def _resize(pixels: Pixels, size: Size, *, nearest: bool) -> Pixels:
    return pick(pixels, *size) if nearest else images.resize(pixels, *size)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
