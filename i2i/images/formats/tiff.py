"""How a TIFF file stores its first image: Pillow opens only the common ways, OpenCV gets the uncommon ones wrong."""

import re
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from i2i.images.errors import ImageError
from i2i.images.formats.header import Decoder, Header, Pages
from i2i.images.formats.pillow import MANY, our_limits

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BIG_MAGICS = MAGICS[2:]
REMEDY = "Save it as uint8 or uint16, or as .npy with float32 in [-1, 1]"
NUMBERS = ("int8", "int16", "int32", "int64", "uint32", "uint64", "float16", "float32", "float64")
"""What is decoded but has no brightness until a range is declared."""

# tags and their values, TIFF 6.0
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
DESCRIPTION, SAMPLES, PLANAR, EXTRA_SAMPLES, SAMPLE_FORMAT, ICC = 270, 277, 284, 338, 339, 34675
MAX_DESCRIPTION = 10_000
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
PLAIN = (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
ASSOCIATED_ALPHA, ALPHA = 1, 2
SEPARATE_PLANES = 2

MAX_STACKED = 16
"""So many pages are channels at most; more are the slices of a body or the frames of a film."""


def read_header(stream: BinaryIO) -> Header:
    """Read the tags of the first image of a file; a damaged file raises exceptions of many kinds."""
    with our_limits():  # the parser of directories warns of damage
        tags = _directory(stream)
        further = _further_directories(stream, tags.next)
    samples = int(tags.get(SAMPLES, 1))
    photometric = int(tags.get(PHOTOMETRIC, BLACK_IS_ZERO))
    extra = _numbers(tags.get(EXTRA_SAMPLES, ()))
    bits = max(_numbers(tags.get(BITS, 1)))
    colours = {RGB: 3, CMYK: 4, LAB: 3, 6: 3}.get(photometric, 1)
    dtype = {UNSIGNED: "uint", SIGNED: "int", FLOAT: "float"}.get(max(_numbers(tags.get(SAMPLE_FORMAT, 1))), "void")
    orientation = int(tags.get(ORIENTATION, 1))
    number = f"{dtype}{bits}" in NUMBERS and photometric in PLAIN
    alpha = not number and samples == colours + 1 and bool(extra) and extra[0] in (ASSOCIATED_ALPHA, ALPHA)
    many = photometric in PLAIN and samples != colours + alpha
    decoder, refusal = _decoder(tags, bits, dtype, photometric, many, alpha, number)
    equal_pages = all(_kind(page) == _kind(tags) for page in further)
    frames = 1 + len(further)
    pages = _pages(tags, frames) if equal_pages and further and not many and bits >= 8 else "images"
    channels = samples if many else 1 if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) else 3
    sides = int(tags[WIDTH]), int(tags[HEIGHT])
    width, height = sides[::-1] if 5 <= orientation <= 8 else sides
    return Header(
        format="TIFF",
        width=width,
        height=height,
        channels=frames if pages == "channels" else channels,
        dtype=f"{dtype}{max(bits, 8)}",
        frames=1 if pages == "channels" else frames,
        alpha=alpha,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        cmyk=photometric == CMYK,
        icc=tags.get(ICC),
        bits=bits,
        palette=photometric == PALETTE,
        white_is_zero=photometric == WHITE_IS_ZERO,
        equal_pages=equal_pages,
        pages=pages,
        decoder=decoder,
        undeclared=number,
        refusal=refusal,
    )


def decode(data: bytes, where: str, *, pages: bool) -> NDArray[Any]:
    """Decode the first page, or all as channels, not turned, by tifffile, which takes any type and any channels.

    Raises:
        ImageError: If what decompresses it is not installed.
        Exception: Whatever it raises of damaged files.
    """
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        wanted = list(file.pages) if pages else [file.pages.first]
        try:
            arrays = [_page(page.aspage(), len(data)) for page in wanted]
        except (ValueError, ImportError) as error:
            if isinstance(error, ValueError) and "imagecodecs" not in str(error):
                raise
            remedy = "Install what decodes it: pip install imagecodecs."
            raise ImageError("needs-package", f"{where} is a TIFF that is compressed uncommonly. {remedy}") from None
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=2)


def _page(page: Any, length: int) -> NDArray[Any]:
    # segments that are missing would be read as zeros
    if any(start + size > length for start, size in zip(page.dataoffsets, page.databytecounts, strict=True)):
        raise EOFError
    stored: NDArray[Any] = page.asarray(maxworkers=1)  # at exit, threads of its own would be waited for
    stored = stored if stored.ndim == 3 else stored[..., None]
    separate = page.planarconfig == SEPARATE_PLANES and page.samplesperpixel > 1
    return np.moveaxis(stored, 0, -1) if separate else stored


def _pages(tags: ImageFileDirectory_v2, count: int) -> Pages:
    """Tell what pages of one kind are, by what tifffile, ImageJ and OME write into the description of the first."""
    if tags.get(SAMPLES, 1) != 1 or tags.get(PHOTOMETRIC, BLACK_IS_ZERO) not in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        return "images"
    described = str(tags.get(DESCRIPTION, ""))[:MAX_DESCRIPTION]
    shape = rf'"shape": \[{count}, {int(tags[HEIGHT])}, {int(tags[WIDTH])}(, 1)?\]'
    says_so = (shape, rf"^ImageJ=(.*\n)*channels={count}\n", rf'<Pixels [^>]*SizeC="{count}"')
    return "channels" if count <= MAX_STACKED and any(re.search(words, described) for words in says_so) else "unknown"


def _decoder(
    tags: ImageFileDirectory_v2, bits: int, dtype: str, photometric: int, many: bool, alpha: bool, number: bool
) -> tuple[Decoder, str]:
    """Choose what decodes a file, and say why its pixels cannot be had."""
    if number:
        return "tifffile", ""
    if dtype != "uint" or bits not in (1, 2, 4, 8, 16):
        return "pillow", f"holds {dtype}{bits} values. {REMEDY}"
    if photometric == LAB:
        return "pillow", "is a Lab TIFF. Save it as RGB"
    if many:
        return ("tifffile", "") if bits >= 8 else ("pillow", f"holds several {bits}-bit values a pixel. {REMEDY}")
    if bits < 16:
        return "pillow", ""
    plain = photometric in PLAIN
    unassociated = not alpha or (photometric == RGB and _numbers(tags[EXTRA_SAMPLES])[0] == ALPHA)
    if not plain or not unassociated:
        return "pillow", "stores 16-bit values in an uncommon way. Save it as gray or RGB without transparency"
    separate = photometric == RGB and tags.get(PLANAR, 1) == SEPARATE_PLANES
    return ("tifffile" if separate else "opencv"), ""


def _directory(stream: BinaryIO, place: int = 0) -> ImageFileDirectory_v2:
    """Read the directory at a place; the first by default."""
    stream.seek(0)
    start = stream.read(8)
    directory = ImageFileDirectory_v2(start + stream.read(8) if start[:4] in BIG_MAGICS else start)
    stream.seek(place or directory.next)
    directory.load(stream)
    return directory


def _further_directories(stream: BinaryIO, place: int) -> list[ImageFileDirectory_v2]:
    """Read those of the images that follow, as far as the file is intact."""
    seen, directories = {0}, list[ImageFileDirectory_v2]()
    with suppress(Exception):  # damage behind the first image
        while place not in seen and len(seen) < MANY:
            seen.add(place)
            directories.append(_directory(stream, place))
            place = directories[-1].next
    return directories


def _kind(tags: ImageFileDirectory_v2) -> tuple[object, ...]:
    """Return what pages must have in common to be channels of one image."""
    return tuple(tags.get(tag) for tag in (WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANAR, SAMPLE_FORMAT))


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(int(v) for v in value) if isinstance(value, tuple) else (int(value),)  # type: ignore[call-overload]
