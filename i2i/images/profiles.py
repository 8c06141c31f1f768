"""Colour profiles (ICC.1:2022) applied: 8 bits are brought to sRGB by LittleCMS, 16 bits by the formulas."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from i2i.images.errors import ImageError
from i2i.pairs import Pixels

SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Red, green and blue of IEC 61966-2-1 as columns of XYZ under D50, as the profile "sRGB IEC61966-2.1" has them."""
LEVELS = 65_536
BLOCK = 2**20
"""Pixels that are converted at once, so that memory for the intermediate results is bounded."""


def profile_name(icc: bytes) -> str | None:
    """Return the name of a colour profile; None for a damaged one."""
    try:
        description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc)))
    except (ImageCms.PyCMSError, OSError):
        return None
    return " ".join(description.split()) or "unnamed"


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """Bring an 8-bit image (L, RGB or CMYK) from its profile to RGB in sRGB; None where the profile does not fit."""
    try:
        return ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(icc)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def managed(pixels: Pixels, icc: bytes, where: str) -> tuple[Pixels, str]:
    """Bring an image from its colour profile to sRGB, and say what was done; nothing where it was sRGB already.

    Args:
        pixels: (H, W, 1 or 3), uint8 or uint16.
        icc: The profile.
        where: The file's name in errors.

    Raises:
        ImageError: If the profile of a 16-bit image consists of tables instead of formulas.
    """
    name = profile_name(icc)
    if name is None:
        return pixels, "damaged colour profile ignored"
    if "srgb" in name.lower():
        return pixels, ""
    gray = pixels.shape[2] == 1
    if pixels.dtype != np.uint8:
        try:
            return _by_formula(pixels, icc), f"converted from {name}"
        except (KeyError, ValueError, IndexError, struct.error):
            kind = "16-bit gray" if gray else "16-bit colours"
            message = (
                f"{where} has {kind} in {name}, a profile of tables. Save it with the profile sRGB, or with 8 bits."
            )
            raise ImageError("unsupported", message) from None
    image = to_srgb(Image.fromarray(pixels[..., 0] if gray else pixels), icc)
    if image is None:
        return pixels, f"colour profile {name} ignored, since it does not fit the image"
    converted = np.asarray(image)
    return (converted[..., :1] if gray else converted), f"converted from {name}"


def _by_formula(pixels: Pixels, icc: bytes) -> Pixels:
    """Convert by the model of three curves and a matrix, or of one curve for gray (section 8.3, annexes E and F).

    Raises:
        KeyError: If the profile is of another model.
        ValueError: If it is of another kind of image.
    """
    tags = _tags(icc)
    gray = pixels.shape[2] == 1
    if icc[16:24] != (b"GRAY" if gray else b"RGB ") + b"XYZ " or b"A2B0" in tags:
        raise ValueError(icc[16:24])
    names = (b"kTRC",) if gray else (b"rTRC", b"gTRC", b"bTRC")
    curves = [_curve(tags[name]).astype(np.float32) for name in names]
    matrix = np.ones((1, 1)) if gray else np.linalg.inv(SRGB) @ _colorants(tags)
    flat, result = pixels.reshape(-1, len(names)), np.empty(pixels.shape, np.uint16).reshape(-1, len(names))
    for start in range(0, len(flat), BLOCK):
        part = flat[start : start + BLOCK]
        light = np.stack([curve[part[:, i]] for i, curve in enumerate(curves)], axis=1)
        light = np.clip(light @ matrix.T.astype(np.float32), 0, 1)
        # IEC 61966-2-1, section 5.2
        curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055)
        result[start : start + BLOCK] = np.rint(curved * (LEVELS - 1))
    return result.reshape(pixels.shape)


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", icc, 128)
    entries = [struct.unpack_from(">4sII", icc, 132 + 12 * number) for number in range(min(count, 100))]
    return {name: icc[start : start + size] for name, start, size in entries}


def _colorants(tags: dict[bytes, bytes]) -> NDArray[Any]:
    """Return red, green and blue as columns of XYZ under D50 (section 10.31, numbers of 16 bits before the point)."""
    rows = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    return np.array(rows).T / 65536


def _curve(tag: bytes) -> NDArray[Any]:
    """Return the light that each of 65536 values stands for, in 0..1 (sections 10.6 and 10.18)."""
    x = np.linspace(0, 1, LEVELS)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count < 2:
            return x if count == 0 else np.power(x, struct.unpack_from(">H", tag, 12)[0] / 256)
        table = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(x, np.linspace(0, 1, count), table)
    if tag[:4] != b"para":
        raise ValueError(tag[:4])
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers = [number / 65536 for number in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = (numbers + [0.0] * 7)[:7]
    if kind == 0:
        a, d = 1.0, 0.0
    elif kind < 3:  # nothing below where the power begins; c is added everywhere
        c, d, e, f = 0.0, -b / a, c, c
    curve: NDArray[Any] = np.where(x >= d, np.power(np.clip(a * x + b, 0, None), g) + e, c * x + f)
    return curve
