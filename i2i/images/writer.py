"""The one writer of images: lossless unless the file's suffix asks for JPEG."""

from io import BytesIO
from pathlib import Path

import cv2
import deflate
import numpy as np

from i2i.images.errors import ImageError
from i2i.images.formats import npy, png
from i2i.pairs import Pixels, range_of
from i2i.system.files import write_atomically

JPEG_QUALITY = 95
PNG_LEVEL = 1  # the next ones take twice the time for a fiftieth of the size
WEBP_LOSSLESS = 101  # OpenCV's qualities above 100 are lossless
PARAMETERS = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, WEBP_LOSSLESS],
}
LARGEST = {".png": 1_000_000, ".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""Longest side that the encoders take (libpng, libjpeg, libwebp)."""
SUFFIXES = (*LARGEST, ".npy", ".tif")


def suffix_for(pixels: Pixels, *, alpha: bool = False) -> str:
    """Return the suffix of a lossless file for this image: ``.png`` of integers that are gray or RGB, else ``.npy``.

    Args:
        pixels: (H, W, C).
        alpha: Whether the last of two or four channels is opacity, which a PNG holds as such.
    """
    channels = (1, 2, 3, 4) if alpha else (1, 3)
    return ".png" if pixels.dtype != np.float32 and pixels.shape[2] in channels else ".npy"


def encode(pixels: Pixels, suffix: str, *, alpha: bool = False) -> bytes:
    """Encode the content of an image file; the same bytes for the same image.

    Args:
        pixels: (H, W, C), uint8, uint16 or float32; the last in [-1, 1], or in a range that readers have to be told.
        suffix: ``.png``, ``.webp`` (both lossless), ``.jpg``, ``.npy`` or ``.tif``; the last two hold everything.
        alpha: Whether the last of two or four channels is opacity, not multiplied in. Of the other formats only
            ``.npy`` and ``.tif`` take it, as one more channel.

    Raises:
        ImageError: If files of that suffix cannot hold the image.
        TypeError: If images are never of this dtype.
    """
    range_of(pixels.dtype)
    suffix = suffix.lower()
    if suffix == ".npy":
        return npy.encode(pixels)
    if suffix in (".tif", ".tiff"):
        return _tiff(pixels)
    what = f"{pixels.shape[2]} channels of {pixels.dtype}"
    if suffix not in LARGEST:
        raise ImageError("unsupported", f"Images are not written as {suffix!r}. Choose one of {', '.join(SUFFIXES)}.")
    lossless = suffix_for(pixels, alpha=alpha)
    everywhere = pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3)  # what each of them holds
    if not (everywhere or suffix == lossless):
        raise ImageError("unsupported", f"A {suffix} file cannot hold {what}. Write {lossless} instead.")
    height, width = pixels.shape[:2]
    if max(height, width) > LARGEST[suffix]:
        message = (
            f"A {suffix} file cannot hold {width}x{height} pixels, a side has at most {LARGEST[suffix]}. Write .npy."
        )
        raise ImageError("too-large", message)
    if suffix == ".png":
        return _png(pixels)
    stored = pixels if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(suffix, stored, PARAMETERS[suffix])
    return data.tobytes()


def write(path: Path, pixels: Pixels) -> None:
    """Write an image so that the file is whole or not there.

    Args:
        path: Where it goes; its suffix says how, see `encode`. Its folder must exist.
        pixels: (H, W, C), uint8, uint16 or float32 in [-1, 1].

    Raises:
        ImageError: If files of that suffix cannot hold the image.
        OutputError: If the disk is full or the folder cannot be written.
    """
    write_atomically(path, encode(pixels, path.suffix))


def _png(pixels: Pixels) -> bytes:
    """Encode by libdeflate: in less than half the time of zlib in OpenCV, and the same bytes everywhere.

    Every line is stored as differences to the pixel on the left (PNG, third edition, section 9.2, filter type 1).
    """
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize
    step = channels * depth
    stored = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    lines = np.empty((height, 1 + stored.shape[1]), np.uint8)
    lines[:, 0] = png.SUB
    lines[:, 1 : 1 + step] = stored[:, :step]
    np.subtract(stored[:, step:], stored[:, :-step], out=lines[:, 1 + step :])
    return png.join(width, height, 8 * depth, channels, bytes(deflate.zlib_compress(lines.data, PNG_LEVEL)))


def _tiff(pixels: Pixels) -> bytes:
    import tifffile

    stream = BytesIO()
    single = pixels.shape[2] == 1
    # without its own metadata the file depends on the image alone
    tifffile.imwrite(
        stream,
        pixels[..., 0] if single else np.ascontiguousarray(pixels),
        photometric="rgb" if pixels.shape[2] == 3 and pixels.dtype != np.float32 else "minisblack",
        planarconfig=None if single else "contig",
        compression="zlib",
        metadata=None,
        software=False,
    )
    return stream.getvalue()
