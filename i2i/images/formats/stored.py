"""Files of every format: their headers, and the pixels that they store, upright, in RGB, and else as they are."""

import logging
import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from i2i.images.errors import ImageError, damaged
from i2i.images.formats import heif, jpeg, npy, opencv, pillow, png, tiff
from i2i.images.formats.header import Header
from i2i.images.formats.open_file import LOOK_FIRST, Metered, open_regular, too_many_bytes
from i2i.pairs import Reading

START = 1024  # bytes that hold every fixed field, and the header of a PPM with its comments

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it prints what our errors say already


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
            return npy.read_header(stream)
        if start.startswith(tiff.MAGICS):
            return tiff.read_header(stream)
        if heif.begins(start):
            return heif.read_header(stream.read())
        if not start.startswith(png.SIGNATURE):
            return jpeg.read_bare(start) or pillow.read_header(stream, start, where)
        exif, bare = png.walk(stream)
        return (png.read_bare(start) if bare else None) or pillow.read_header(stream, start, where, exif)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they like
        raise damaged(where, error, "its header makes no sense") from error


def decoded(data: bytes, header: Header, reading: Reading, where: str, *, pages: bool = False) -> NDArray[Any]:
    """Decode the values of an image.

    Args:
        data: The file.
        header: What it says about itself.
        reading: ``ids`` gives the stored numbers, palette indices among them; else black is 0, and palettes are
            looked up.
        where: The file's name in errors.
        pages: Whether all pages of a TIFF are wanted, as channels.

    Returns:
        (H, W, C), or (H, W, C + 1) with alpha; of `uint8` or `uint16` where the header demands no range.

    Raises:
        ImageError: If a package is missing.
        Exception: Whatever decoders of damaged files raise.
    """
    if header.decoder == "npy":
        return npy.decode(data)
    if header.decoder == "heif":
        return heif.decode(data)
    if header.decoder == "tifffile" or pages:
        return upright(tiff.decode(data, where, pages=pages), header.orientation)
    if header.decoder == "opencv" and not (reading == "ids" and header.palette):
        pixels = opencv.decode(data, header, reading)
    else:
        pixels = pillow.decode(BytesIO(data), header, reading, where)
    return upright(pixels, 1 if header.format == "TIFF" else header.orientation)  # both turn TIFF, and nothing else


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an image, (H, W) or (H, W, C), as it is shown, (H', W', C), where it is stored with an EXIF orientation."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if orientation == 1:
        return pixels
    if orientation in (5, 7):
        pixels = pixels.swapaxes(0, 1)
    turns = {3: 2, 6: -1, 7: 2, 8: 1}
    pixels = np.rot90(pixels, turns.get(orientation, 0))
    return pixels[:, ::-1] if orientation == 2 else pixels[::-1] if orientation == 4 else pixels
