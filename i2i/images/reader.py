"""The one reader of images: bytes -> header -> limits -> pixels as they are wanted, or the reason why not."""

import math
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.errors import UsageError
from i2i.images.colour import WHITE, over, with_channels
from i2i.images.errors import ImageError, damaged
from i2i.images.formats.header import Header
from i2i.images.formats.pillow import MANY, orientation_of, plain
from i2i.images.formats.stored import decoded, read_bytes, read_header, upright
from i2i.images.profiles import managed
from i2i.images.ranges import DECLARE, extremes, finite_extremes, scaled
from i2i.pairs import Pixels, Range, Reading
from i2i.system.chatter import CodecsKeptQuiet
from i2i.system.devices import is_out_of_memory
from i2i.system.pool import MAX_SECONDS
from i2i.system.time_limit import within

MAX_PIXELS = 40_000_000
"""Largest image that is decoded unless the caller says otherwise."""

MIN_SIDE = 16
"""Smallest height and width of an image that is worth learning from."""

ALLOW = "max_pixels"
"""How the caller of a function allows larger images; commands and datasets have options of other names."""

UNTIMED = 2**20
"""So many values, of so many bytes, take no decoder minutes: a TIFF of one strip a value takes half a minute."""

MAX_RATIO = 15  # of the sides of a picture that nobody wonders about

TURNED = "turned upright by its EXIF orientation"
"""A note on an image: what was drawn on its pixels as stored does not lie on it."""


class Limit(NamedTuple):
    """How large an image may be."""

    pixels: int = MAX_PIXELS
    """Width times height."""
    raised_by: str = ALLOW
    """How more is allowed where the image is used."""


class Picture(NamedTuple):
    """An image, and what had to be done to get it."""

    pixels: Pixels
    """(H, W, C); see `i2i.pairs.Pixels`."""
    notes: tuple[str, ...]
    """What a careful person would want to know, such as ``first of 12 frames``."""


def read(
    path_or_bytes: str | PathLike[str] | bytes,
    *,
    where: str = "",
    reading: Reading = "image",
    value_range: Range | None = None,
    channels: int | None = None,
    max_pixels: int = MAX_PIXELS,
    min_side: int = 1,
    background: tuple[int, int, int] = WHITE,
    declare: str = DECLARE,
    allow: str = ALLOW,
) -> Picture:
    """Read an image; unless said otherwise upright, in sRGB, opaque, and with all the bits it has.

    EXIF orientation is applied, colour profiles and CMYK are converted to sRGB, transparency is laid on a background,
    of several frames the first is taken. 8-bit images become uint8, 16-bit ones uint16; ``.npy`` files hold uint8,
    uint16 or float32 in [-1, 1] of any number of channels, TIFF files uint8 or uint16 of any number. The content
    decides what a file is, its suffix does not.

    Args:
        path_or_bytes: The file, or its content.
        where: What errors call it; its path, or "the image" when not given.
        reading: ``image`` is as above. ``alpha`` keeps opacity as one more channel where the file has it, and the
            colours under it as they are. ``ids`` gives the numbers as stored, (H, W, 1) or (H, W, 3): indices of a
            palette, 0 and 1 of one bit, no colour converted; opacity is left out.
        value_range: The values that stand for -1 and 1. Any numbers may be declared so: float or integer TIFF, whose
            pages of equal size are channels then, ``.npy`` of any number type, 12 bits in 16. The result is float32.
        channels: How many channels to return: 3 replicates gray, 1 is the luma of colour; as stored (gray 1, colour 3)
            when not given.
        max_pixels: Largest width times height that is decoded.
        min_side: Smallest width and height that is accepted.
        background: Red, green and blue in 0..255 of what shines through transparent images.
        declare: What errors advise where a range is needed: how it is declared where the image is used.
        allow: What errors name where an image is too large: how more is allowed where the image is used.

    Raises:
        MissingInputError: If there is no such file.
        ImageError: If the file is not an image, is damaged, too large or too small, takes too long, its range of values
            is unknown, or a value is not in the declared range.
        DataError: If the image cannot have that many channels.
        UsageError: If a range is declared that is none, or for a reading that has none.
    """
    if value_range is not None and reading != "image":
        raise UsageError(f"A range is declared, and images are read as {reading!r}. Only 'image' has a range.")
    if isinstance(path_or_bytes, bytes):
        data, where = path_or_bytes, where or "the image"
    else:
        where = where or repr(str(Path(path_or_bytes)))
        data = read_bytes(Path(path_or_bytes), where)
    header, declared = read_header(BytesIO(data), where), value_range is not None
    if header.pages == "unknown" and not declared:
        found = f"{where} has {header.frames} gray pages of one size: channels, or images of their own?"
        message = f"{found} Save the one that is meant alone, or channels as one page. {declare} to have channels."
        raise ImageError("unsupported", message)
    expected = header.channels_read(reading, declared=declared)
    _check_header(header, where, max_pixels, min_side, expected, allow)
    pages = header.pages == "channels" or (declared and header.format == "TIFF" and header.frames > 1)
    if pages and not header.equal_pages:
        raise ImageError("unsupported", f"{where} has pages of several kinds. Save the one that is meant.")
    values = _decoded(data, header, reading, where, pages, expected)
    if header.undeclared and not declared and reading != "ids":
        found = f"{where} holds {header.dtype}, {extremes(values)}"
        message = f"{found}. {declare}, or save it as uint8, uint16, or .npy of float32 in [-1, 1]."
        raise ImageError("unsupported", message)
    notes = _notes(header, pages)
    if reading == "ids":
        pixels = _as_ids(values, header, where, notes)
    else:
        pixels = _in_srgb(values, header, where, notes, declared=declared)
        if reading == "image" and values.shape[2] == expected + 1:
            pixels = _opaque(pixels, background, where, notes)
        pixels = _in_range(pixels, value_range, where, declare)
    pixels = pixels if channels is None else with_channels(pixels, channels)
    return Picture(np.ascontiguousarray(pixels), tuple(notes))


def _check_header(header: Header, where: str, max_pixels: int, min_side: int, channels: int, allow: str) -> None:
    """Refuse from the header what should not be decoded."""
    if header.refusal:
        raise ImageError("unsupported", f"{where} {header.refusal}.")
    size = f"{header.width}x{header.height}"
    if min(header.width, header.height) < min_side:
        raise ImageError("too-small", f"{where} is {size}. Images have at least {min_side} pixels each way.")
    # multispectral images are counted by what they hold: decoded, four channels fill the memory of RGB with alpha
    needed = math.ceil(header.width * header.height * max(1, channels / 4))
    if needed > max_pixels:
        remedy = f"Make it smaller, or allow more: {allow}={needed}"
        message = f"{where} is {size} with {channels} channels, {max_pixels} pixels are allowed. {remedy}."
        raise ImageError("too-large", message)


def _decoded(data: bytes, header: Header, reading: Reading, where: str, pages: bool, channels: int) -> NDArray[Any]:
    """Decode values of the size and the channels, opacity apart, that the header claims, within the limit of time."""

    def work() -> NDArray[Any]:
        with CodecsKeptQuiet():
            return decoded(data, header, reading, where, pages=pages)

    small = max(len(data), header.width * header.height * channels) <= UNTIMED
    try:
        values = work() if small else within(MAX_SECONDS, work)
    except ImageError:
        raise
    except TimeoutError:
        message = f"{where} takes longer than {MAX_SECONDS:g} seconds to decode. Save the image anew, or remove it."
        raise ImageError("timed-out", message) from None
    except Exception as error:  # decoders of damaged files raise whatever they like
        if is_out_of_memory(error):
            raise
        raise damaged(where, error, "its pixels cannot be decoded") from error
    for what, agrees in (
        ("size", values.shape[:2] == (header.height, header.width)),
        ("channels", values.shape[2] - channels in (0, 1)),
    ):
        if not agrees:
            message = f"{where} does not have the {what} that its header claims. Copy or download it again."
            raise ImageError("corrupt", message)
    return values


def _notes(header: Header, pages: bool) -> list[str]:
    many = " or more" if header.frames >= MANY else ""
    notes = [f"first of {header.frames} frames{many}"] if header.frames > 1 and not pages else []
    if header.orientation != 1:
        notes.append(TURNED)
    if max(header.width, header.height) > MAX_RATIO * min(header.width, header.height):
        notes.append(f"very long: {header.width}x{header.height}")
    return notes


def from_pillow(image: Image.Image) -> Pixels:
    """Convert an image that Pillow has opened or made: upright, opaque (on white), gray or RGB; see `read`."""
    deep = image.mode.startswith("I;16")
    pixels = np.asarray(image).astype(np.uint16) if deep else np.asarray(plain(image))
    pixels = upright(pixels, orientation_of(image))
    return np.ascontiguousarray(over(pixels, WHITE)[0] if pixels.shape[2] in (2, 4) else pixels)


def _as_ids(values: NDArray[Any], header: Header, where: str, notes: list[str]) -> Pixels:
    """Convert numbers to uint8 or uint16; adds a note where opacity is left out."""
    if values.dtype.kind not in "ui":
        raise ImageError("unsupported", f"{where} holds {values.dtype}. Ids are whole numbers: save them as integers.")
    if header.alpha:
        notes.append("opacity left out of the ids")
    values = values[..., : header.channels_read("ids")]
    if values.shape[2] not in (1, 3):
        raise ImageError(
            "unsupported", f"{where} has {values.shape[2]} channels. Ids have 1, or 3 where they are colours."
        )
    if values.dtype in (np.uint8, np.uint16):
        return values
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        message = f"{where} has ids from {values.min()} to {values.max()}. Ids lie in 0..65535: number them anew."
        raise ImageError("out-of-range", message)
    return values.astype(np.uint16)


def _in_srgb(values: NDArray[Any], header: Header, where: str, notes: list[str], *, declared: bool) -> NDArray[Any]:
    """Bring colours to sRGB, with opacity as it is; adds a note on what was done."""
    if header.cmyk:
        notes.append("converted from CMYK")
        return values
    if not header.icc:
        return values
    if declared or header.undeclared or header.channels not in (1, 3):
        notes.append("colour profile ignored, since the values are numbers in a range, or other channels than RGB")
        return values
    colours, note = managed(np.ascontiguousarray(values[..., : header.channels]), header.icc, where)
    notes.extend([note] if note else [])
    return np.dstack([colours, values[..., header.channels :]])


def _opaque(pixels: Pixels, background: tuple[int, int, int], where: str, notes: list[str]) -> Pixels:
    """Lay the image on the background; adds a note where it shines through."""
    if not pixels[..., -1].any():
        raise ImageError("blank", f"{where} is transparent all over. Remove it.")
    pixels, mixed = over(pixels, background)
    notes.extend(["transparency laid on a background"] if mixed else [])
    return pixels


def _in_range(values: NDArray[Any], value_range: Range | None, where: str, declare: str) -> Pixels:
    """Check and scale values in their declared range, or in that of their dtype."""
    if value_range is not None:
        return scaled(values, value_range, where)
    if values.dtype == np.float32:
        smallest, largest = finite_extremes(values, where)
        if smallest < -1 or largest > 1:
            message = f"{where} has values outside [-1, 1], from {smallest:g} to {largest:g}. {declare}."
            raise ImageError("out-of-range", message)
    return values
