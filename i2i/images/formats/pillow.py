"""Pillow under our limits instead of its own, and silent about harmless damage in metadata."""

import importlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import BinaryIO

from PIL import ExifTags, Image, UnidentifiedImageError

from i2i.images.errors import ImageError

MANY = 10_000
"""So many pictures of a file are counted; of more it is only said that there are more."""
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Formats that are tried, the usual ones first, by Pillow's names (MPO comes with JPEG). Each further decoder can be
attacked."""
JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")


_lock = threading.Lock()
_inside = 0
_before = ExitStack()


@contextmanager
def our_limits() -> Iterator[None]:
    """Set Pillow's process-wide settings aside while any thread is inside.

    Its limit of pixels is lifted, since the caller's is checked before anything is decoded; its warnings, which are
    about metadata that nobody reads here, are dropped.
    """
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _before.enter_context(warnings.catch_warnings(action="ignore"))
            _before.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _before.close()


def opened(stream: BinaryIO, where: str) -> Image.Image:
    """Open an image: its header is read, nothing is decoded. Inside `our_limits` only.

    Raises:
        ImageError: If it is no image, or of a format that nothing installed decodes.
    """
    start = stream.read(64)
    stream.seek(0)
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        if start.startswith(JPEG_XL):
            return _opened_jpeg_xl(stream, where)
        if start[4:12] == b"ftypavif":  # its boxes are incomplete
            raise EOFError from None
        raise ImageError("not-an-image", f"{where} {_likely(start)}") from None


def _opened_jpeg_xl(stream: BinaryIO, where: str) -> Image.Image:
    if find_spec("pillow_jxl") is None:
        remedy = "Install what decodes it: pip install pillow-jxl-plugin"
        raise ImageError("needs-package", f"{where} is JPEG XL. {remedy}.")
    importlib.import_module("pillow_jxl")  # which adds the format to Pillow
    stream.seek(0)
    return Image.open(stream, formats=["JXL"])


def _likely(start: bytes) -> str:
    text = start.lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of git-lfs, not the image. Fetch it with `git lfs pull`."
    if start.startswith(b"PK\3\4"):
        return "is an archive (.npz or .zip), not an image. Save each of its arrays as .npy, or unpack it."
    if text.startswith((b"<!doctype", b"<html")):
        return "is a web page, perhaps that of a failed download. Download the image again."
    if text.startswith((b"<svg", b"<?xml")):
        return "is a drawing or a text in XML. Draw it to a PNG first."
    return "is not an image, or its header is damaged. Replace or remove the file."


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where it is missing or damaged. Inside `our_limits` only."""
    try:
        # not the method of its class: that of PNG decodes the image in search of more
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a parser of damaged metadata raises: the pixels are none the worse
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def frames_of(image: Image.Image) -> int:
    """Count the pictures that the file holds, as far as it is intact, up to `MANY`. Inside `our_limits` only."""
    try:
        return min(int(getattr(image, "n_frames", 1)), MANY)
    except ImageError:  # more than a header may be read for
        return MANY
    except Exception:  # damage behind the first picture, which is the only one that is read
        return 1
