"""What an image file says about itself, read without decoding a pixel."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np
from PIL import Image

from i2i.images.errors import ImageError, damaged
from i2i.images.formats import npy, pillow, png, tiff
from i2i.images.formats.heif import HeifImage, is_heif
from i2i.images.formats.open_file import LOOK_FIRST, Metered, open_regular, too_many_bytes
from i2i.pairs import Reading

Decoder = Literal["opencv", "pillow", "tifffile", "heif", "npy"]

GRAY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
PNG_GRAY = (0, 4)  # without and with opacity
PNG_ALPHA = (4, 6)
ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
MAX_RATIO = 15  # of the sides of a picture that nobody wonders about
DEEP_REMEDY = "Convert it to a 16-bit PNG or TIFF, or to .npy"
START = 1024  # bytes that hold every fixed field, and the header of a PPM with its comments


@dataclass(frozen=True)
class Header:
    """What a file says about its image, or about the first of its images."""

    format: str
    """As Pillow names it, ``HEIF``, ``JXL`` or ``NPY``."""
    width: int
    """As shown, that is after the EXIF orientation."""
    height: int
    channels: int
    """Colours: 1 for gray, 3 for RGB and palettes; alpha does not count."""
    dtype: str
    """Type of the stored values."""
    frames: int = 1
    alpha: bool = False
    orientation: int = 1
    """EXIF orientation as stored, 1 to 8."""
    cmyk: bool = field(default=False, repr=False)
    icc: bytes | None = field(default=None, repr=False)
    """The colour profile."""
    bits: int = field(default=8, repr=False)
    """Of a stored value."""
    palette: bool = field(default=False, repr=False)
    transparent: int | None = field(default=None, repr=False)
    """The stored gray value that stands for transparent, in PNG without an alpha channel."""
    white_is_zero: bool = field(default=False, repr=False)
    equal_pages: bool = field(default=False, repr=False)
    """Whether all pages of a TIFF have the same size, channels and dtype."""
    pages: tiff.Pages = field(default="images", repr=False)
    """What the pages of a TIFF are; as ``channels`` they are counted in `channels`, and the file is one frame."""
    decoder: Decoder = field(default="pillow", repr=False)
    undeclared: bool = field(default=False, repr=False)
    """Whether the values say nothing about brightness until somebody declares their range."""
    refusal: str = field(default="", repr=False)
    """Why the pixels cannot be had, and what to do, where that is known from the header."""

    @property
    def max_bytes(self) -> int:
        """Size of the largest file that this may be the header of: four times the pixels, and what cameras append."""
        pages = self.frames if self.format == "TIFF" else 1
        values = self.width * self.height * (self.channels + self.alpha) * pages
        return LOOK_FIRST + 4 * values * np.dtype(self.dtype).itemsize

    def channels_read(self, reading: Reading = "image", *, declared: bool = False) -> int:
        """Count the channels of what is read, opacity apart.

        Args:
            reading: Of a palette, ``ids`` reads the indices.
            declared: Whether a range is declared: the pages of a TIFF of numbers are its channels then.
        """
        if reading == "ids" and self.palette:
            return 1
        return self.channels * self.frames if declared and self.format == "TIFF" else self.channels


def probe(path: Path) -> Header:
    """Return what a file says about its image, without decoding it.

    Raises:
        MissingInputError: If there is no such file.
        ImageError: If it is no image.
    """
    with open_regular(path) as stream:
        return read_header(stream, repr(str(path)))


def read_bytes(path: Path, where: str = "") -> bytes:
    """Read all bytes of an image's file; of a large one, the header comes first and must account for so many.

    Args:
        path: The file.
        where: Its name in errors; its path when not given.

    Raises:
        MissingInputError: If there is no such file.
        ImageError: If it cannot be read, or is larger than its image can be.
    """
    where = where or repr(str(path))
    with open_regular(path, where) as stream:
        try:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            if size > LOOK_FIRST and size > (allowed := read_header(stream, where).max_bytes):
                raise too_many_bytes(where, size, allowed)
            stream.seek(0)
            return stream.read()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ImageError("unreadable", f"{where} cannot be read: {reason}.") from None


def read_header(stream: BinaryIO, where: str) -> Header:
    """Read the header of an image.

    Args:
        stream: The file, at its start.
        where: Its name in errors.

    Raises:
        ImageError: If it is no image, or its header is damaged.
    """
    start = stream.read(START)
    stream = cast(BinaryIO, Metered(stream, where))
    try:
        if start.startswith(npy.MAGIC):
            return _npy_header(stream)
        if start.startswith(tiff.MAGICS):
            with pillow.our_limits():  # whose parser of directories warns of damage
                return _tiff_header(stream)
        if is_heif(start):
            return _heif_header(HeifImage(stream.read()))
        chunks = _png_chunks(stream) if start.startswith(png.SIGNATURE) else None
        if chunks and chunks.bare and (fields := png.fields(start)):
            return _bare_png_header(fields)
        with pillow.our_limits(), pillow.opened(stream, where) as image:
            if chunks and chunks.exif is not None:
                image.info["exif"] = chunks.exif
            return _pillow_header(image, start)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they like
        raise damaged(where, error, "its header makes no sense") from error


def _png_chunks(stream: BinaryIO) -> png.Chunks:
    chunks = png.walk(stream)
    if not chunks.complete:
        raise EOFError
    return chunks


def _bare_png_header(fields: png.Fields) -> Header:
    """Return what `_pillow_header` does of a PNG of nothing but its fields and pixels, in a third of the time."""
    return Header(
        format="PNG",
        width=fields.width,
        height=fields.height,
        channels=1 if fields.colour in PNG_GRAY else 3,
        dtype=f"uint{max(fields.depth, 8)}",
        alpha=fields.colour in PNG_ALPHA,
        bits=fields.depth,
        decoder="opencv",
    )


def _pillow_header(image: Image.Image, start: bytes) -> Header:
    name = image.format or ""
    orientation = pillow.orientation_of(image)
    width, height = image.size if orientation < 5 else image.size[::-1]
    # of gray with opacity and 16 bits, Pillow makes colours
    gray = _png_colour(start) in PNG_GRAY if name == "PNG" else image.mode in GRAY_MODES
    frames = pillow.frames_of(image)
    bits = _bits(name, image.mode, start)
    transparency = image.info.get("transparency")
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
        bits=_stored_bits(name, image.mode, start),
        palette=image.mode in ("P", "PA"),
        transparent=transparency if gray and name == "PNG" else None,
        decoder="opencv" if _is_plain(name, image.mode, frames, bits) else "pillow",
        refusal="" if bits == 8 or (bits == 16 and name in ("PNG", "PPM")) else f"has {bits}-bit values. {DEEP_REMEDY}",
    )


def _is_plain(name: str, mode: str, frames: int, bits: int) -> bool:
    """Return whether OpenCV, several times as fast as Pillow, reads exactly the values that are stored."""
    return (
        name == "PNG"
        or (name in ("JPEG", "MPO") and mode in ("L", "RGB"))
        or (name == "WEBP" and frames == 1)
        or (name == "PPM" and bits == 16)
    )


def _bits(name: str, mode: str, start: bytes) -> int:
    """Return the bits of a value as it is decoded, at least 8."""
    if name == "PNG":
        return max(_png_depth(start), 8)
    if name == "JPEG2000":  # in the box ihdr of a JP2 file, in the marker SIZ of a bare codestream
        place = start.find(b"ihdr")
        return max((start[place + 14 if place >= 0 else 42] & 0x7F) + 1, 8)
    if name == "PPM" and mode != "1":  # P5 WIDTH HEIGHT MAXIMUM, with comments anywhere
        words = [word for line in start.split(b"\n") for word in line.partition(b"#")[0].split()]
        return max((int(words[3])).bit_length(), 8)
    return 8


def _stored_bits(name: str, mode: str, start: bytes) -> int:
    return _png_depth(start) if name == "PNG" else 1 if mode == "1" else _bits(name, mode, start)


def _png_depth(start: bytes) -> int:
    return start[24]  # in IHDR, the first chunk


def _png_colour(start: bytes) -> int:
    return start[25]


def _tiff_header(stream: BinaryIO) -> Header:
    tags = tiff.read_tags(stream)
    stacked = tags.pages == "channels"
    swapped = tags.orientation >= 5
    return Header(
        format="TIFF",
        width=tags.height if swapped else tags.width,
        height=tags.width if swapped else tags.height,
        channels=tags.frames if stacked else tags.channels,
        dtype=tags.dtype,
        frames=1 if stacked else tags.frames,
        alpha=tags.alpha,
        orientation=tags.orientation,
        cmyk=tags.photometric == tiff.CMYK,
        icc=tags.icc,
        bits=tags.bits,
        palette=tags.photometric == tiff.PALETTE,
        white_is_zero=tags.photometric == tiff.WHITE_IS_ZERO,
        equal_pages=tags.equal_pages,
        pages=tags.pages,
        decoder=tags.decoder,
        undeclared=tags.undeclared,
        refusal=tags.refusal,
    )


def _heif_header(image: HeifImage) -> Header:
    return Header(
        format="HEIF",
        width=image.width,
        height=image.height,
        channels=1 if image.mode.startswith("L") else 3,
        dtype="uint8" if image.bits == 8 else "uint16",
        frames=image.frames,
        alpha=image.mode in ALPHA_MODES,
        orientation=image.turned,
        icc=image.icc,
        bits=image.bits,
        decoder="heif",
        refusal=image.refusal,
    )


def _npy_header(stream: BinaryIO) -> Header:
    stored = npy.read_array_header(stream)
    height, width, channels = (*stored.shape, 1, 1, 1)[:3]
    dtype = str(stored.dtype.newbyteorder("="))
    return Header(
        "NPY", width, height, channels, dtype, decoder="npy", undeclared=stored.undeclared, refusal=stored.refusal
    )
