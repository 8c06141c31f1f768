"""Photographs and the same with less detail, for super-resolution."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.images.colour import rounded
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i_prepare import chance
from i2i_prepare.fitted import Square
from i2i_prepare.lines import resize_map


@dataclass(kw_only=True)
class Downscale(Square):
    """A photograph that was made smaller and brought back to its size -> the photograph as it was.

    It is blurred, reduced, made noisy and compressed, in this order; then it is brought back, since source and target
    of a pair have one size. What is drawn at random depends on the seed and on the photograph alone.

    Args:
        size: Height and width of source and target, pixels; a multiple of the factor. Smaller photographs are skipped:
            enlarged, they would teach blur.
        factor: How many times smaller the photograph becomes.
        method: ``area``: mean of the pixels that a new one covers. ``cubic``: antialiased cubic convolution (Keys 1981,
            a = -0.5), as MATLAB's ``imresize`` makes the usual benchmarks.
        upscale: How it is brought back: ``cubic`` convolution, or ``nearest``, which repeats every pixel.
        blur: Standard deviation of a Gaussian before it is reduced, in pixels of the target.
        noise: Standard deviation of Gaussian noise after it was reduced, of 255.
        jpeg: JPEG quality that the small image is compressed with; not at all when not given.
        seed: Another seed, other noise.

    Raises:
        UsageError: If the size is not a multiple of the factor.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    size: Annotated[int, Field(ge=2)] = 256
    factor: Annotated[int, Field(ge=2)] = 4
    method: Literal["area", "cubic"] = "cubic"
    upscale: Literal["cubic", "nearest"] = "cubic"
    blur: Annotated[float, Field(ge=0)] = 0.0
    noise: Annotated[float, Field(ge=0)] = 0.0
    jpeg: Annotated[int, Field(ge=1, le=100)] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size % self.factor:
            near = max(1, round(self.size / self.factor)) * self.factor
            raise UsageError(f"size ({self.size}) is not a multiple of factor ({self.factor}). Set it to {near}.")

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one photograph of any channels.

        Raises:
            SkipError: If the photograph is smaller than the target.
            DataError: If JPEG files cannot hold it.
        """
        (photo,) = images
        height, width = photo.shape[:2]
        if (max if self.fit == "pad" else min)(height, width) < self.size:
            raise SkipError("too-small", f"The photograph is {width}x{height}, smaller than the target: {self.size}.")
        target = self.fitted(photo)
        small = self._compressed(self._noisy(self._reduced(target), target))
        enlarge = geometry.pick if self.upscale == "nearest" else geometry.resize
        return Pair(enlarge(small, self.size, self.size), target)

    def _reduced(self, target: Pixels) -> Pixels:
        side = self.size // self.factor
        limits, dtype = range_of(target.dtype), target.dtype
        if self.blur:
            planes = [cv2.GaussianBlur(plane, (0, 0), self.blur) for plane in _planes(target)]
            target = rounded(np.clip(np.dstack(planes), *limits), dtype)
        if self.method == "area":
            return geometry.resize(target, side, side)
        return rounded(np.clip(np.dstack([resize_map(plane, side, side) for plane in _planes(target)]), *limits), dtype)

    def _noisy(self, small: Pixels, target: Pixels) -> Pixels:
        if not self.noise:
            return small
        low, high = range_of(small.dtype)
        noise = chance.generator(self.seed, target).normal(0, self.noise * (high - low) / 255, small.shape)
        return rounded(np.clip(small + noise, low, high), small.dtype)

    def _compressed(self, small: Pixels) -> Pixels:
        if self.jpeg is None:
            return small
        if small.dtype != np.uint8 or small.shape[2] not in (1, 3):
            what = f"{small.shape[2]} channels of {small.dtype}"
            raise DataError(f"JPEG holds gray and RGB of 8 bits, not {what}. Leave jpeg out, or convert the image.")
        # reversed for OpenCV's BGR, since JPEG keeps brightness better than colour
        order = slice(None, None, -1)
        _, data = cv2.imencode(".jpg", small[..., order], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        return np.asarray(stored).reshape(small.shape)[..., order]


def _planes(image: Pixels) -> list[Pixels]:
    """Return each channel as floats, (H, W)."""
    return [np.ascontiguousarray(image[..., channel], np.float32) for channel in range(image.shape[2])]
