"""The one reader of images: bytes -> header -> limits -> pixels as they are meant to be seen, or the reason why not."""

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from i2i.images import npy, pillow
from i2i.images.colour import WHITE, managed, over, to_srgb, with_channels
from i2i.images.errors import ImageError
from i2i.images.header import MAX_RATIO, Header, damaged, read_header
from i2i.images.source import read_bytes
from i2i.pairs import Pixels, range_of

MAX_PIXELS = 40_000_000
"""Largest image that is decoded unless the caller says otherwise."""


class Picture(NamedTuple):
    """An image as it is meant to be seen, and what had to be done for that."""

    pixels: Pixels
    """(H, W, C); see `i2i.pairs.Pixels`."""
    notes: tuple[str, ...]
    """What a careful person would want to know, such as ``first of 12 frames``."""


def read(
    path_or_bytes: str | PathLike[str] | bytes,
    *,
    channels: int | None = None,
    max_pixels: int = MAX_PIXELS,
    min_side: int = 1,
    background: tuple[int, int, int] = WHITE,
) -> Picture:
    """Read an image: upright, in sRGB, opaque, and with all the bits it has.

    EXIF orientation is applied, colour profiles and CMYK are converted to sRGB, transparency is laid on a background,
    of several frames the first is taken. 8-bit images become uint8, 16-bit ones uint16; ``.npy`` files hold uint8,
    uint16 or float32 in [-1, 1] of any number of channels, TIFF files uint8 or uint16 of any number. The content
    decides what a file is, its suffix does not.

    Args:
        path_or_bytes: The file, or its content.
        channels: How many channels to return: 3 replicates gray, 1 is the luma of colour; as stored (gray 1, colour 3)
            when not given.
        max_pixels: Largest width times height that is decoded.
        min_side: Smallest width and height that is accepted.
        background: Red, green and blue in 0..255 of what shines through transparent images.

    Raises:
        MissingInputError: If there is no such file.
        ImageError: If the file is not an image, is damaged, too large or too small, or its range of values is unknown.
        DataError: If the image cannot have that many channels.
    """
    if isinstance(path_or_bytes, bytes):
        data, where = path_or_bytes, "image"
    else:
        path = Path(path_or_bytes)
        data, where = read_bytes(path), repr(str(path))
    picture = decode(data, where, max_pixels=max_pixels, min_side=min_side, background=background)
    return picture if channels is None else picture._replace(pixels=with_channels(picture.pixels, channels))


def decode(
    data: bytes,
    where: str,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = 1,
    background: tuple[int, int, int] = WHITE,
) -> Picture:
    """The image in the bytes of a file, which errors call ``where``; see `read`."""
    header = read_header(BytesIO(data), where)
    check(header, where, max_pixels, min_side)
    notes = [f"first of {header.frames} frames"] if header.frames > 1 else []
    if max(header.width, header.height) > MAX_RATIO * min(header.width, header.height):
        notes.append(f"very long: {header.width}x{header.height}")
    try:
        pixels = _decoded(data, header, where)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they like
        raise damaged(where, error) from error
    if pixels.shape[:2] != (header.height, header.width):
        raise ImageError(
            "corrupt", f"{where} does not have the size that its header claims. Copy or download it again."
        )
    if pixels.shape[2] - header.channels not in (0, 1):
        raise ImageError(
            "corrupt", f"{where} does not have the channels that its header claims. Copy or download it again."
        )
    pixels = _finished(pixels, header, background, where, notes)
    return Picture(pixels, tuple(notes))


def check(header: Header, where: str, max_pixels: int, min_side: int) -> None:
    """Refuse from the header what should not be decoded.

    Raises:
        ImageError: If the image is too large or too small, or cannot be decoded.
    """
    if header.refusal:
        raise ImageError("unsupported", f"{where} {header.refusal}.")
    size = f"{header.width}x{header.height}"
    if min(header.width, header.height) < min_side:
        raise ImageError("too-small", f"{where} is {size}. Images have at least {min_side} pixels each way.")
    # multispectral images are counted by what they hold: decoded, four channels fill the memory of RGB with alpha
    if header.width * header.height * max(1, header.channels / 4) > max_pixels:
        limit = f"{max_pixels} pixels are allowed. Make it smaller, or allow more (max_pixels)."
        raise ImageError("too-large", f"{where} is {size} with {header.channels} channels, {limit}")


def _decoded(data: bytes, header: Header, where: str) -> Pixels:
    """Upright pixels, with alpha as the last channel where the header says so."""
    if header.decoder == "npy":
        return npy.decode(data)
    if header.decoder == "tifffile":
        return _upright(_decode_tifffile(data, where), header.orientation)
    if header.decoder == "pillow":
        return _decode_pillow(data)
    # OpenCV turns TIFF by itself, and nothing else when it is asked for the values as stored
    return _upright(_decode_opencv(data, header), 1 if header.format == "TIFF" else header.orientation)


def _decode_opencv(data: bytes, header: Header) -> Pixels:
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is None:
        raise EOFError if _is_cut_off(data, header.format) else ValueError("its pixels cannot be decoded")
    if stored.dtype != header.dtype:
        raise ValueError(f"it holds {stored.dtype} where its header claims {header.dtype}")
    if header.inverted:
        stored = int(range_of(stored.dtype)[1]) - stored
    if stored.ndim == 2:
        gray = stored[..., None]
        return gray if header.transparent is None else np.dstack([gray, _keyed_alpha(gray, data, header.transparent)])
    if stored.shape[2] == 4:
        return stored[..., [0, 3]] if header.channels == 1 else stored[..., [2, 1, 0, 3]]
    return cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)


def _keyed_alpha(gray: Pixels, png: bytes, transparent: int) -> Pixels:
    # OpenCV widens 1, 2 and 4 bits to 8 and drops the key, which is in units of the stored depth; IHDR has that
    top = int(np.iinfo(gray.dtype).max)
    key = transparent * top // ((1 << png[24]) - 1)
    return np.where(gray == key, 0, top).astype(gray.dtype)


def _is_cut_off(data: bytes, name: str) -> bool:
    if name == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return name in ("JPEG", "MPO") and b"\xff\xd9" not in data[-1024:]


def _decode_pillow(data: bytes) -> Pixels:
    with pillow.alone(), pillow.opened(BytesIO(data), "image") as image:
        image.load()
        orientation = pillow.orientation_of(image)
        pixels = np.asarray(_plain(image))
    return _upright(pixels if pixels.ndim == 3 else pixels[..., None], orientation)


def from_pillow(image: Image.Image) -> Pixels:
    """An image that Pillow has opened or made: upright, opaque (on white), gray or RGB; see `read`."""
    deep = image.mode.startswith("I;16")
    pixels = np.asarray(image).astype(np.uint16) if deep else np.asarray(_plain(image))
    pixels = _upright(pixels if pixels.ndim == 3 else pixels[..., None], pillow.orientation_of(image))
    return np.ascontiguousarray(over(pixels, WHITE)[0] if pixels.shape[2] in (2, 4) else pixels)


def _plain(image: Image.Image) -> Image.Image:
    """The image in mode L, LA, RGB or RGBA."""
    if image.mode in ("L", "RGB", "P", "1") and "transparency" in image.info:
        return image.convert("LA" if image.mode in ("L", "1") else "RGBA")
    if image.mode == "CMYK" and (icc := image.info.get("icc_profile")) and (converted := to_srgb(image, icc)):
        return converted
    modes = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA", "RGB": "RGB"}
    return image.convert(modes.get(image.mode, "RGB"))


def _decode_tifffile(data: bytes, where: str) -> Pixels:
    try:
        import tifffile
    except ModuleNotFoundError:
        message = f"{where} is a TIFF of uncommon channels. Install what decodes it: pip install tifffile."
        raise ImageError("needs-package", message) from None
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        # segments that are missing would be read as zeros
        if any(start + size > len(data) for start, size in zip(page.dataoffsets, page.databytecounts, strict=True)):
            raise EOFError
        stored = page.asarray()
        return np.moveaxis(stored, 0, -1) if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else stored


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """The image as shown, from the image as stored with this EXIF orientation."""
    if orientation in (5, 7):
        pixels = pixels.swapaxes(0, 1)
    turns = {3: 2, 6: -1, 7: 2, 8: 1}
    pixels = np.rot90(pixels, turns.get(orientation, 0))
    return pixels[:, ::-1] if orientation == 2 else pixels[::-1] if orientation == 4 else pixels


def _finished(pixels: Pixels, header: Header, background: tuple[int, int, int], where: str, notes: list[str]) -> Pixels:
    """Colours in sRGB, laid on the background; adds notes on what was done."""
    if pixels.dtype == np.float32 and not (np.isfinite(pixels).all() and np.abs(pixels).max() <= 1):
        raise ImageError("out-of-range", f"{where} has values outside [-1, 1]. Scale them to that range.")
    if header.cmyk:
        notes.append("converted from CMYK")
    elif header.icc and header.decoder != "tifffile":
        colours, note = managed(np.ascontiguousarray(pixels[..., : header.channels]), header.icc, where)
        pixels = np.dstack([colours, pixels[..., header.channels :]])
        notes.extend([note] if note else [])
    if pixels.shape[2] == header.channels + 1:
        if not pixels[..., -1].any():
            raise ImageError("blank", f"{where} is transparent all over. Remove it.")
        pixels, mixed = over(pixels, background)
        notes.extend(["transparency laid on a background"] if mixed else [])
    return np.ascontiguousarray(pixels)
