"""Channels, transparency and colour profiles of decoded images."""

from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from i2i.errors import DataError
from i2i.images.errors import ImageError
from i2i.pairs import Pixels, range_of

WHITE = (255, 255, 255)
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601), as OpenCV, Pillow and TensorFlow use them."""


def with_channels(pixels: Pixels, channels: int) -> Pixels:
    """The image with another number of channels.

    Args:
        pixels: (H, W, C) of any dtype.
        channels: How many it should have. Gray is replicated; of colour, 1 is the luma .299 R + .587 G + .114 B.

    Returns:
        (H, W, channels) of the same dtype and range; the same array if it has that many already.

    Raises:
        DataError: If that would have to invent or to drop something.
    """
    stored = pixels.shape[2]
    if stored == channels:
        return pixels
    if stored == 1:
        return pixels.repeat(channels, axis=2)
    if (stored, channels) == (3, 1):
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    raise DataError(f"An image of {stored} channels cannot become one of {channels}. Convert it first.")


def over(pixels: Pixels, background: tuple[int, int, int]) -> tuple[Pixels, bool]:
    """A transparent image laid on a colour.

    Args:
        pixels: (H, W, 2) gray and alpha, or (H, W, 4) RGB and alpha; uint8 or uint16, alpha not multiplied in.
        background: Red, green and blue in 0..255; a gray image is laid on their luma.

    Returns:
        (H, W, 1) or (H, W, 3), and whether anything was transparent at all.
    """
    colours, alpha = pixels[..., :-1], pixels[..., -1:]
    top = int(np.iinfo(pixels.dtype).max)
    if alpha.min() == top:
        return np.ascontiguousarray(colours), False
    ground = np.array([background], np.float64) if colours.shape[2] == 3 else np.dot(background, LUMA).reshape(1, 1)
    ground = np.round(ground * (top / 255)).astype(np.uint32)
    # the largest sum is 65535 * 65535 + 32767 < 2**32
    mixed = (colours * alpha.astype(np.uint32) + ground * (top - alpha.astype(np.uint32)) + top // 2) // top
    return mixed.astype(pixels.dtype), True


def profile_name(icc: bytes) -> str | None:
    """Name of a colour profile; None for a damaged one."""
    try:
        description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc)))
    except (ImageCms.PyCMSError, OSError):
        return None
    return " ".join(description.split()) or "unnamed"


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """An 8-bit image (L, RGB or CMYK) brought from its profile to RGB in sRGB; None where the profile does not fit."""
    try:
        return ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(icc)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def managed(pixels: Pixels, icc: bytes, where: str) -> tuple[Pixels, str]:
    """An image brought from its colour profile to sRGB, and a note on what was done; no note where it was sRGB already.

    Args:
        pixels: (H, W, 1 or 3), uint8 or uint16.
        icc: The profile.
        where: The file's name in errors.

    Raises:
        ImageError: If 16-bit colours would need converting, which LittleCMS does for 8-bit images only.
    """
    name = profile_name(icc)
    if name is None:
        return pixels, "damaged colour profile ignored"
    gray = pixels.shape[2] == 1
    if "srgb" in name.lower():
        return pixels, ""
    if pixels.dtype != np.uint8:
        if gray:
            return pixels, f"16-bit values kept as stored, not converted from {name}"
        raise ImageError("unsupported", f"{where} has 16-bit colours in {name}. Save it with the profile sRGB.")
    image = to_srgb(Image.fromarray(pixels[..., 0] if gray else pixels), icc)
    if image is None:
        return pixels, f"colour profile {name} ignored, since it does not fit the image"
    converted = np.asarray(image)
    return (converted[..., :1] if gray else converted), f"converted from {name}"


Gray = NDArray[Any]
"""Brightness of a picture, (H, W) float32 in 0..1."""


def luma(pixels: Pixels) -> Gray:
    """Brightness of an image of any type and channels, (H, W, C).

    Of three channels it is that of ITU-R BT.601, .299 R + .587 G + .114 B; of any other number it is their mean.
    """
    return in_unit(brightness(pixels), pixels)


def brightness(pixels: Pixels) -> NDArray[Any]:
    """What `luma` is of, in the units of the image."""
    if pixels.shape[2] == 3:  # of 8 bits, OpenCV rounds to one of 256 levels, which is many times as fast
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels.mean(axis=2, dtype=np.float32)


def in_unit(values: NDArray[Any], pixels: Pixels) -> Gray:
    """Values in the units of an image, as float32 in 0..1."""
    low, high = range_of(pixels.dtype)
    scaled: Gray = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    return scaled
