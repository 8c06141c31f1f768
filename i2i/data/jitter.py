"""The paper's jitter: resize, random crop, random mirror, the same for source and target (section 6.2)."""

from random import Random
from typing import NamedTuple

import numpy as np

from i2i import images
from i2i.errors import DataError
from i2i.pairs import Pair, Pixels

PAPER_RATIO = 286 / 256


class Jitter(NamedTuple):
    """What is done to a pair before the networks see it.

    Args:
        crop: Height and width that come out.
        resize: Height and width before the random crop, or None to keep the size on disk.
        mirror: Whether half of the pairs are mirrored, left to right.
    """

    crop: int
    resize: int | None
    mirror: bool

    def train(self, pair: Pair, rng: Random, name: str = "") -> Pair:
        """Jitter a pair as training sees it.

        Raises:
            DataError: If the pair is too small for the crop, or its halves differ in size and are not resized.
        """
        # always three draws, so that what one setting draws never shifts another's
        down, right, mirror = rng.random(), rng.random(), rng.random()
        pair = self._resized(pair, self.resize, name)
        height, width = pair.source.shape[:2]
        top, left = int(down * (height - self.crop + 1)), int(right * (width - self.crop + 1))
        mirrored = self.mirror and mirror < 0.5
        return Pair(*(self._window(half, top, left, mirrored) for half in pair))

    def test(self, pair: Pair, name: str = "") -> Pair:
        """Crop a pair as validation sees it: no jitter; the whole picture, or its centre where sizes are kept.

        Raises:
            DataError: As for `train`.
        """
        pair = self._resized(pair, None if self.resize is None else self.crop, name)
        height, width = pair.source.shape[:2]
        return Pair(*(self._window(half, (height - self.crop) // 2, (width - self.crop) // 2, False) for half in pair))

    def _resized(self, pair: Pair, size: int | None, name: str) -> Pair:
        if size is not None:
            pair = Pair(*(images.resize(half, size, size) for half in pair))
        source, target = (half.shape[:2] for half in pair)
        if source != target:
            raise DataError(f"{name}: source is {_size(source)}, target {_size(target)}. Set data.resize to a number.")
        if min(source) < self.crop:
            raise DataError(
                f"{name} is {_size(source)}, smaller than data.crop ({self.crop}). Lower it, or set data.resize."
            )
        return pair

    def _window(self, half: Pixels, top: int, left: int, mirrored: bool) -> Pixels:
        window = half[top : top + self.crop, left : left + self.crop]
        return np.ascontiguousarray(window[:, ::-1] if mirrored else window)


def jitter_of(crop: int, resize: int | str, mirror: bool) -> Jitter:
    """Return the jitter of a configuration's ``data`` section."""
    if resize == "auto":
        resize = round(crop * PAPER_RATIO)
    return Jitter(crop, None if resize == "keep" else int(resize), mirror)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
