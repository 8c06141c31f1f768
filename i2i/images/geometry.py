"""Images brought to another size: every dtype and channel count keeps its own, and nothing aliases."""

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.errors import UsageError
from i2i.images.colour import rounded
from i2i.pairs import Pixels, range_of

Fit = Literal["crop", "stretch", "pad"]
"""Ways to bring an image to another aspect ratio; see `fit`."""

MAX_CHANNELS = 4  # of OpenCV's area interpolation


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize an image.

    An axis that shrinks is averaged over the area that each new pixel covers, so that fine detail turns into its mean
    instead of aliasing; an axis that grows is interpolated by the cubic convolution of Keys 1981 (a = -0.75, OpenCV's),
    cut off at the limits of the dtype where it overshoots. One axis may shrink while the other grows.

    Args:
        pixels: (H, W, C), uint8, uint16 or float32 in [-1, 1]; any number of channels.
        height: New height.
        width: New width.

    Returns:
        (height, width, C) of the same dtype and range, in memory of its own.

    Raises:
        UsageError: If the new height or width is not positive.
        TypeError: If images are never of this dtype.
    """
    if height < 1 or width < 1:
        raise UsageError(f"An image cannot be {height}x{width} pixels. Ask for a height and a width of at least 1.")
    low, high = range_of(pixels.dtype)
    smaller = (min(height, pixels.shape[0]), min(width, pixels.shape[1]))
    resized = _interpolate(_interpolate(pixels, *smaller, cv2.INTER_AREA), height, width, cv2.INTER_CUBIC)
    if resized is pixels:
        return pixels.copy()
    return np.clip(resized, low, high) if pixels.dtype == np.float32 else resized


def _interpolate(pixels: Pixels, height: int, width: int, method: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    groups = [pixels[..., i : i + MAX_CHANNELS] for i in range(0, pixels.shape[2], MAX_CHANNELS)]
    resized = [cv2.resize(group, (width, height), interpolation=method) for group in groups]
    return resized[0].reshape(height, width, -1) if len(resized) == 1 else np.dstack(resized)


def flip(pixels: Pixels) -> Pixels:
    """Return an image or ids, (H, W, C), with left and right exchanged, in memory of its own."""
    if pixels.dtype in (np.uint8, np.uint16, np.float32) and pixels.shape[2] <= MAX_CHANNELS:
        # what every OpenCV has; numpy takes ten times as long
        return cv2.flip(pixels, 1).reshape(pixels.shape)
    return np.ascontiguousarray(pixels[:, ::-1])


def pick(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize by taking the nearest pixel in each direction, which makes no new colours; enlarged, pixels repeat."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip((height, width), pixels.shape[:2], strict=True)
    )
    return np.ascontiguousarray(pixels[rows][:, columns])


def fit(
    pixels: Pixels,
    size: int | tuple[int, int],
    how: Fit,
    values: NDArray[Any] | None = None,
    resizer: Callable[[Pixels, int, int], Pixels] = resize,
) -> Pixels:
    """Bring an image to exactly this size.

    Args:
        pixels: (H, W, C), as `resizer` takes them.
        size: Side of a square, or (height, width).
        how: ``crop`` keeps the largest centred part that has the new aspect ratio. ``stretch`` keeps everything but the
            aspect ratio, as the scripts of the original pix2pix do. ``pad`` keeps everything and puts white around
            it: unlike a reflection it cannot be taken for content, and drawings and catalogue photographs have white
            around them already.
        values: (C,) values that are put around instead.
        resizer: `resize`, or `pick`.

    Returns:
        (height, width, C) of the same dtype and range, in memory of its own.

    Raises:
        UsageError: If the size is not positive.
        TypeError: If images are never of this dtype.
    """
    height, width = (size, size) if isinstance(size, int) else size
    old_height, old_width = pixels.shape[:2]
    if how == "crop":
        pixels = crop(pixels, *inside(height, width, old_height, old_width))
    if how == "pad":
        return pad(resizer(pixels, *inside(old_height, old_width, height, width)), height, width, values)
    return resizer(pixels, height, width)


def inside(height: int, width: int, max_height: int, max_width: int) -> tuple[int, int]:
    """Return the largest (height, width) of this aspect ratio that lies inside another; neither is ever 0."""
    if height * max_width > width * max_height:
        return max_height, max(1, round(width * max_height / height))
    return max(1, round(height * max_width / width)), max_width


def crop(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return a view of the centre of an image; an odd pixel is lost at the bottom or on the right."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def pad(pixels: Pixels, height: int, width: int, values: NDArray[Any] | None = None) -> Pixels:
    """Put an image in the centre of (C,) values, of white by default; an odd pixel is added below or on the right."""
    values = np.array(range_of(pixels.dtype)[1]) if values is None else rounded(values, pixels.dtype)
    padded = np.full((height, width, pixels.shape[2]), values, pixels.dtype)
    crop(padded, *pixels.shape[:2])[:] = pixels
    return padded
