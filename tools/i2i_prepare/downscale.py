"""Photographs and the same with less detail, for super-resolution."""

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from PIL import Image
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.images.colour import rounded
from i2i.pairs import Pair, Pixels, Reading, SkipError, range_of
from i2i_prepare import chance


class Downscale:
    """A photograph that was made smaller and brought back to its size -> the photograph as it was.

    It is blurred, reduced, made noisy and compressed, in this order; then it is brought back, since source and target
    of a pair have one size. What is drawn at random depends on the seed and on the photograph alone.

    Args:
        size: Height and width of source and target, pixels; a multiple of the factor. Smaller photographs are skipped:
            enlarged, they would teach blur.
        fit: How a photograph becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad``
            puts white around it.
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

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=2)] = 256,
        fit: geometry.Fit = "crop",
        factor: Annotated[int, Field(ge=2)] = 4,
        method: Literal["area", "cubic"] = "cubic",
        upscale: Literal["cubic", "nearest"] = "cubic",
        blur: Annotated[float, Field(ge=0)] = 0.0,
        noise: Annotated[float, Field(ge=0)] = 0.0,
        jpeg: Annotated[int, Field(ge=1, le=100)] | None = None,
        seed: int = 0,
    ) -> None:
        if size % factor:
            near = max(1, round(size / factor)) * factor
            raise UsageError(f"size ({size}) is not a multiple of factor ({factor}). Set it to {near}.")
        self.size = size
        self.fit = fit
        self.factor = factor
        self.method = method
        self.upscale = upscale
        self.blur = blur
        self.noise = noise
        self.jpeg = jpeg
        self.seed = seed

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
        target = geometry.fit(photo, self.size, self.fit)
        small = self._compressed(self._noisy(self._reduced(target), target))
        if self.upscale == "nearest":
            return Pair(geometry.pick(small, self.size, self.size), target)
        return Pair(geometry.resize(small, self.size, self.size), target)

    def _reduced(self, target: Pixels) -> Pixels:
        side = self.size // self.factor
        sharp = target
        if self.blur:
            planes = [cv2.GaussianBlur(plane, (0, 0), self.blur) for plane in _planes(target)]
            sharp = _image(planes, target)
        if self.method == "area":
            return geometry.resize(sharp, side, side)
        images = [Image.fromarray(plane) for plane in _planes(sharp)]
        return _image(
            [np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) for image in images],
            target,
        )

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
    """Each channel as floats, (H, W)."""
    return [np.ascontiguousarray(image[..., channel], np.float32) for channel in range(image.shape[2])]


def _image(planes: list[Pixels], like: Pixels) -> Pixels:
    """Channels put together and cut off at the range, in the dtype of an image."""
    return rounded(np.clip(np.dstack(planes), *range_of(like.dtype)), like.dtype)
