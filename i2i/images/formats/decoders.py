"""Bytes of an image file to the pixels that it stores: upright, RGB, and nothing else done to them."""

import logging
from io import BytesIO
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.images.errors import Damage, ImageError
from i2i.images.formats import npy, pillow
from i2i.images.formats.header import Header
from i2i.images.formats.heif import HeifImage
from i2i.images.formats.jpeg2000 import MAX_PACKETS, count_packets
from i2i.images.formats.open_file import Metered
from i2i.images.profiles import to_srgb
from i2i.pairs import Pixels, Reading, range_of

START_OF_SCAN = b"\xff\xda\0"
"""ITU-T T.81, table B.1, and the upper byte of the length of what follows, which is short."""
MAX_SCANS = 256
"""Encoders make 1 to 20. libjpeg goes over the whole image for each, be it of ten bytes."""
OUT_OF_MEMORY = cv2.Error.StsNoMem

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it prints what our errors say already


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
        return HeifImage(data).decode()
    if header.decoder == "tifffile" or pages:
        return upright(_tifffile(data, where, pages), header.orientation)
    if header.format == "JPEG2000" and count_packets(data, header.width * header.height) > MAX_PACKETS:
        raise Damage(f"it has more than {MAX_PACKETS} packets, as many as no image needs")
    if reading == "ids":
        return _numbers(data, header, where)
    if header.decoder == "pillow":
        return _pillow(data, where)
    # OpenCV turns TIFF by itself, and nothing else when it is asked for the values as stored
    return upright(_opencv(data, header), 1 if header.format == "TIFF" else header.orientation)


def _opencv(data: bytes, header: Header) -> Pixels:
    stored = _imdecoded(data, header)
    if header.white_is_zero:
        stored = int(range_of(stored.dtype)[1]) - stored
    if stored.ndim == 2:
        gray = stored[..., None]
        return gray if header.transparent is None else np.dstack([gray, _keyed_alpha(gray, data, header.transparent)])
    if stored.shape[2] == 4:
        return stored[..., [0, 3]] if header.channels == 1 else cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA)
    return cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)


def _imdecoded(data: bytes, header: Header) -> Pixels:
    if header.format in ("JPEG", "MPO") and data.count(START_OF_SCAN) > MAX_SCANS:
        raise Damage(f"it has more than {MAX_SCANS} scans, each of which costs as much as an image")
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == OUT_OF_MEMORY:
            raise MemoryError from error
        stored = None
    if stored is None:
        raise EOFError if _is_cut_off(data, header.format) else Damage("its pixels cannot be decoded")
    if stored.dtype != header.dtype:
        raise Damage(f"it holds {stored.dtype} where its header claims {header.dtype}")
    return stored


def _keyed_alpha(gray: Pixels, png: bytes, transparent: int) -> Pixels:
    # OpenCV widens 1, 2 and 4 bits to 8 and drops the key, which is in units of the stored depth; IHDR has that
    top = int(np.iinfo(gray.dtype).max)
    key = transparent * top // ((1 << png[24]) - 1)
    return np.where(gray == key, 0, top).astype(gray.dtype)


def _is_cut_off(data: bytes, name: str) -> bool:
    if name == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return name in ("JPEG", "MPO") and b"\xff\xd9" not in data[-1024:]


def _pillow(data: bytes, where: str) -> Pixels:
    with pillow.our_limits(), pillow.opened(_metered(data, where), where) as image:
        image.load()
        orientation = pillow.orientation_of(image)
        pixels = np.asarray(plain(image))
    return upright(_three_axes(pixels), orientation)


def _metered(data: bytes, where: str) -> BinaryIO:
    return cast(BinaryIO, Metered(BytesIO(data), where))


def plain(image: Image.Image) -> Image.Image:
    """Return the image in mode L, LA, RGB or RGBA."""
    if image.mode in ("L", "RGB", "P", "1") and "transparency" in image.info:
        return image.convert("LA" if image.mode in ("L", "1") else "RGBA")
    if image.mode == "CMYK" and (icc := image.info.get("icc_profile")) and (converted := to_srgb(image, icc)):
        return converted
    modes = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA", "RGB": "RGB"}
    return image.convert(modes.get(image.mode, "RGB"))


def _numbers(data: bytes, header: Header, where: str) -> Pixels:
    """Decode numbers as stored: indices of palettes, few bits not widened, white as zero where it is stored so."""
    if header.decoder == "opencv" and not header.palette:
        turned = 1 if header.format == "TIFF" else header.orientation
        pixels = _three_axes(_imdecoded(data, header))
        if pixels.shape[2] >= 3:
            pixels = pixels[..., [0]] if header.channels == 1 else cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2RGB)
        return upright(_narrowed(pixels, header.bits), turned)
    with pillow.our_limits(), pillow.opened(_metered(data, where), where) as image:
        image.load()
        orientation, mode = pillow.orientation_of(image), image.mode
        if mode not in ("1", "L", "P", "LA", "PA", "RGB", "RGBA"):
            raise ImageError(
                "unsupported", f"{where} has mode {mode}, which holds no ids. Save it as gray, palette or RGB."
            )
        pixels = _three_axes(np.asarray(image))
    pixels = pixels[..., : header.channels_read("ids")]
    pixels = pixels.astype(np.uint8) if mode == "1" or header.palette else _narrowed(pixels, header.bits)
    if header.white_is_zero:  # Pillow has turned it round
        pixels = (1 << header.bits) - 1 - pixels
    return upright(pixels, orientation)


def _narrowed(pixels: Pixels, bits: int) -> Pixels:
    # decoders widen 1, 2 and 4 bits by a factor that has no remainder
    return pixels if bits >= 8 else pixels // np.uint8(255 // ((1 << bits) - 1))


def _tifffile(data: bytes, where: str, pages: bool) -> NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        wanted = list(file.pages) if pages else [file.pages.first]
        try:
            arrays = [_page(page.aspage(), len(data)) for page in wanted]
        except (ValueError, ImportError) as error:
            if isinstance(error, ValueError) and "imagecodecs" not in str(error):
                raise
            message = (
                f"{where} is a TIFF that is compressed uncommonly. Install what decodes it: pip install imagecodecs."
            )
            raise ImageError("needs-package", message) from None
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=2)


def _page(page: Any, length: int) -> NDArray[Any]:
    # segments that are missing would be read as zeros
    if any(start + size > length for start, size in zip(page.dataoffsets, page.databytecounts, strict=True)):
        raise EOFError
    stored = _three_axes(page.asarray())
    separate = page.planarconfig == 2 and page.samplesperpixel > 1  # TIFF 6.0: PlanarConfiguration
    return np.moveaxis(stored, 0, -1) if separate else stored


def _three_axes(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 3 else pixels[..., None]


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn the image as it is shown, from the image as stored with this EXIF orientation."""
    if orientation in (5, 7):
        pixels = pixels.swapaxes(0, 1)
    turns = {3: 2, 6: -1, 7: 2, 8: 1}
    pixels = np.rot90(pixels, turns.get(orientation, 0))
    return pixels[:, ::-1] if orientation == 2 else pixels[::-1] if orientation == 4 else pixels
