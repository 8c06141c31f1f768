"""How a TIFF file stores its first image: Pillow opens only the common ways, OpenCV gets the uncommon ones wrong."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from i2i.images.formats.pillow import MANY

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


Decoder = Literal["opencv", "pillow", "tifffile"]
Pages = Literal["images", "channels", "unknown"]
"""What several pages are: images of their own, channels of one, or gray pages of one size that do not say."""
MAX_STACKED = 16
"""So many pages are channels at most; more are the slices of a body or the frames of a film."""


@dataclass(frozen=True)
class TiffTags:
    """What the tags say."""

    width: int
    height: int
    channels: int
    dtype: str
    bits: int
    photometric: int
    frames: int
    equal_pages: bool
    pages: Pages
    alpha: bool
    orientation: int
    icc: bytes | None
    decoder: Decoder
    undeclared: bool = False
    """Whether the values say nothing about brightness until somebody declares their range."""
    refusal: str = ""
    """Why the pixels cannot be had, and what to do."""


def read_tags(stream: BinaryIO) -> TiffTags:
    """Read the tags of the first image of a file; a damaged file raises exceptions of many kinds."""
    tags = _first_directory(stream)
    further = _further_directories(stream, tags.next)
    samples = int(tags.get(SAMPLES, 1))
    photometric = int(tags.get(PHOTOMETRIC, BLACK_IS_ZERO))
    extra = _numbers(tags.get(EXTRA_SAMPLES, ()))
    bits = max(_numbers(tags.get(BITS, 1)))
    colours = {RGB: 3, CMYK: 4, LAB: 3, 6: 3}.get(photometric, 1)
    dtype = {UNSIGNED: "uint", SIGNED: "int", FLOAT: "float"}.get(max(_numbers(tags.get(SAMPLE_FORMAT, 1))), "void")
    orientation = int(tags.get(ORIENTATION, 1))
    number = f"{dtype}{bits}" if f"{dtype}{bits}" in NUMBERS and photometric in PLAIN else ""
    alpha = not number and samples == colours + 1 and bool(extra) and extra[0] in (ASSOCIATED_ALPHA, ALPHA)
    many = photometric in PLAIN and samples != colours + alpha
    decoder, refusal = _decoder(tags, bits, dtype, photometric, many, alpha, number)
    equal_pages = all(_kind(page) == _kind(tags) for page in further)
    pages = _pages(tags, 1 + len(further)) if equal_pages and further and not many and bits >= 8 else "images"
    return TiffTags(
        width=int(tags[WIDTH]),
        height=int(tags[HEIGHT]),
        channels=samples if many else 1 if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) else 3,
        dtype=f"{dtype}{max(bits, 8)}",
        bits=bits,
        photometric=photometric,
        frames=1 + len(further),
        equal_pages=equal_pages,
        pages=pages,
        alpha=alpha,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        icc=tags.get(ICC),
        decoder=decoder,
        undeclared=bool(number),
        refusal=refusal,
    )


def _pages(tags: ImageFileDirectory_v2, count: int) -> Pages:
    """Tell what pages of one kind are, by what tifffile, ImageJ and OME write into the description of the first."""
    if tags.get(SAMPLES, 1) != 1 or tags.get(PHOTOMETRIC, BLACK_IS_ZERO) not in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        return "images"
    described = str(tags.get(DESCRIPTION, ""))[:MAX_DESCRIPTION]
    shape = rf'"shape": \[{count}, {int(tags[HEIGHT])}, {int(tags[WIDTH])}(, 1)?\]'
    says_so = (shape, rf"^ImageJ=(.*\n)*channels={count}\n", rf'<Pixels [^>]*SizeC="{count}"')
    return "channels" if count <= MAX_STACKED and any(re.search(words, described) for words in says_so) else "unknown"


def _decoder(
    tags: ImageFileDirectory_v2, bits: int, dtype: str, photometric: int, many: bool, alpha: bool, number: str
) -> tuple[Decoder, str]:
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


def _first_directory(stream: BinaryIO) -> ImageFileDirectory_v2:
    directory = _empty_directory(stream)
    stream.seek(directory.next)
    directory.load(stream)
    return directory


def _empty_directory(stream: BinaryIO) -> ImageFileDirectory_v2:
    stream.seek(0)
    start = stream.read(8)
    return ImageFileDirectory_v2(start + stream.read(8) if start[:4] in BIG_MAGICS else start)


def _further_directories(stream: BinaryIO, place: int) -> list[ImageFileDirectory_v2]:
    """Read those of the images that follow, as far as the file is intact."""
    seen, directories = {0}, list[ImageFileDirectory_v2]()
    with suppress(Exception):  # damage behind the first image
        while place not in seen and len(seen) < MANY:
            seen.add(place)
            directory = _empty_directory(stream)
            stream.seek(place)
            directory.load(stream)
            directories.append(directory)
            place = directory.next
    return directories


def _kind(tags: ImageFileDirectory_v2) -> tuple[object, ...]:
    """Return what pages must have in common to be channels of one image."""
    return tuple(tags.get(tag) for tag in (WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANAR, SAMPLE_FORMAT))


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(int(v) for v in value) if isinstance(value, tuple) else (int(value),)  # type: ignore[call-overload]
