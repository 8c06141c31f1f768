"""What Pillow opens: under our limits instead of its own, and silent about harmless damage in metadata."""

import importlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from i2i.images.errors import Damage, ImageError
from i2i.images.formats import png
from i2i.images.formats.header import Header
from i2i.images.formats.jpeg2000 import MAX_PACKETS, count_packets
from i2i.images.formats.opencv import narrowed
from i2i.images.profiles import to_srgb
from i2i.pairs import Pixels, Reading

MANY = 10_000
"""So many pictures of a file are counted; of more it is only said that there are more."""
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Formats that are tried, the usual ones first, by Pillow's names (MPO comes with JPEG). Each further decoder can be
attacked."""
JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
GRAY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
PLAIN_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}
"""Mode -> the one that holds the same and is gray or RGB, with opacity or without; of all others RGB."""
ID_MODES = ("1", "L", "P", "LA", "PA", "RGB", "RGBA")
DEEP_REMEDY = "Convert it to a 16-bit PNG or TIFF, or to .npy"

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


def read_header(stream: BinaryIO, start: bytes, where: str, exif: bytes | None = None) -> Header:
    """Read the header of an image; a damaged one raises exceptions of many kinds.

    Args:
        stream: The file.
        start: How it begins.
        where: Its name in errors.
        exif: Metadata of a PNG, wherever they stand.

    Raises:
        ImageError: If it is no image, or of a format that nothing installed decodes.
    """
    with our_limits(), _opened(stream, where) as image:
        if exif is not None:
            image.info["exif"] = exif
        name = image.format or ""
        orientation, frames = orientation_of(image), _frames(image)
        width, height = image.size if orientation < 5 else image.size[::-1]
        # of gray with opacity and 16 bits, Pillow makes colours
        gray = png.is_gray(start) if name == "PNG" else image.mode in GRAY_MODES
        stored = _bits(name, image.mode, start)
        bits = max(stored, 8)
        transparency = image.info.get("transparency")
        deep = bits == 16 and name in ("PNG", "PPM")
        return Header(
            format=name,
            width=width,
            height=height,
            channels=1 if gray else 3,
            dtype=f"uint{bits}",
            frames=frames,
            alpha=image.mode in ALPHA_MODES or transparency is not None,
            orientation=orientation,
            cmyk=image.mode == "CMYK",
            icc=image.info.get("icc_profile"),
            bits=stored,
            palette=image.mode in ("P", "PA"),
            transparent=transparency if gray and name == "PNG" else None,
            decoder="opencv" if _is_plain(name, image.mode, frames, deep) else "pillow",
            refusal="" if bits == 8 or deep else f"has {bits}-bit values. {DEEP_REMEDY}",
        )


def decode(stream: BytesIO, header: Header, reading: Reading, where: str) -> Pixels:
    """Decode an image, not turned: (H, W), or (H, W, C) with alpha where it has it.

    Args:
        stream: The file.
        header: What it says about itself.
        reading: ``ids`` gives the stored numbers: indices of palettes, few bits not widened, white as zero where it is
            stored so, no alpha.
        where: The file's name in errors.

    Raises:
        ImageError: If it holds no ids.
        Exception: Whatever decoders of damaged files raise.
    """
    if header.format == "JPEG2000" and count_packets(stream.getvalue(), header.width * header.height) > MAX_PACKETS:
        raise Damage(f"it has more than {MAX_PACKETS} packets, as many as no image needs")
    with our_limits(), _opened(stream, where) as image:
        image.load()
        if reading != "ids":
            return np.asarray(plain(image))
        mode, pixels = image.mode, np.asarray(image)
    if mode not in ID_MODES:
        message = f"{where} has mode {mode}, which holds no ids. Save it as gray, palette or RGB."
        raise ImageError("unsupported", message)
    pixels = pixels[..., : header.channels_read("ids")] if pixels.ndim == 3 else pixels
    pixels = pixels.astype(np.uint8) if mode == "1" or header.palette else narrowed(pixels, header.bits)
    return (1 << header.bits) - 1 - pixels if header.white_is_zero else pixels  # Pillow has turned it round


def plain(image: Image.Image) -> Image.Image:
    """Return the image in mode L, LA, RGB or RGBA."""
    if image.mode in ("L", "RGB", "P", "1") and "transparency" in image.info:
        return image.convert("LA" if image.mode in ("L", "1") else "RGBA")
    if image.mode == "CMYK" and (icc := image.info.get("icc_profile")) and (converted := to_srgb(image, icc)):
        return converted
    return image.convert(PLAIN_MODES.get(image.mode, "RGB"))


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where it is missing or damaged."""
    try:
        # not the method of its class: that of PNG decodes the image in search of more
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a parser of damaged metadata raises: the pixels are none the worse
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _frames(image: Image.Image) -> int:
    """Count the pictures that the file holds, as far as it is intact, up to `MANY`."""
    try:
        return min(int(getattr(image, "n_frames", 1)), MANY)
    except ImageError:  # more than a header may be read for
        return MANY
    except Exception:  # damage behind the first picture, which is the only one that is read
        return 1


def _is_plain(name: str, mode: str, frames: int, deep: bool) -> bool:
    """Return whether OpenCV reads exactly the values that are stored."""
    return (
        name == "PNG"
        or (name in ("JPEG", "MPO") and mode in ("L", "RGB"))
        or (name == "WEBP" and frames == 1)
        or (name == "PPM" and deep)
    )


def _bits(name: str, mode: str, start: bytes) -> int:
    """Return the bits of a value as it is stored."""
    if name == "PNG":
        return png.depth(start)
    if mode == "1":
        return 1
    if name == "JPEG2000":  # in the box ihdr of a JP2 file, in the marker SIZ of a bare codestream
        place = start.find(b"ihdr")
        return max((start[place + 14 if place >= 0 else 42] & 0x7F) + 1, 8)
    if name == "PPM":  # P5 WIDTH HEIGHT MAXIMUM, with comments anywhere
        words = [word for line in start.split(b"\n") for word in line.partition(b"#")[0].split()]
        return max((int(words[3])).bit_length(), 8)
    return 8


def _opened(stream: BinaryIO, where: str) -> Image.Image:
    """Open an image: its header is read, nothing is decoded."""
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
