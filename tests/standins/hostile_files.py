"""Files that are no sound images, or that cost more than any, and the reasons why they are refused."""

import io
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

rng = np.random.default_rng(0)
NOISE = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)


def saved(image: Image.Image | NDArray[Any], name: str, **options: Any) -> bytes:
    """An image file as Pillow writes it."""
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, name, **options)
    return stream.getvalue()


def encoded(name: str, mode: str = "RGB", **options: Any) -> bytes:
    return saved(Image.fromarray(NOISE).convert(mode), name, **options)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, values: bytes, *, colour: int = 0, depth: int = 8, before: bytes = b"") -> bytes:
    """A PNG of lines that each stand behind the number of their filter, after other chunks."""
    return png_deflated(width, height, zlib.compress(values), colour=colour, depth=depth, before=before)


def png_deflated(
    width: int, height: int, deflated: bytes, *, colour: int = 0, depth: int = 8, before: bytes = b""
) -> bytes:
    """The same, of lines that are deflated already."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", deflated) + chunk(b"IEND", b"")


def tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def npy(array: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, array)
    return stream.getvalue()


def npy_claiming(shape: tuple[int, ...], body: bytes = b"") -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


DAMAGED = {
    "zero bytes": (b"", "empty"),
    "noise": (rng.bytes(500), "not-an-image"),
    "text": (b"hello\n", "not-an-image"),
    "web page": (b"<!DOCTYPE html><html>404</html>", "not-an-image"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not-an-image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-an-image"),
    "png signature alone": (b"\x89PNG\r\n\x1a\n", "truncated"),
    "png with a bad checksum": (encoded("PNG")[:200] + b"\0\0\0\0" + encoded("PNG")[204:], "corrupt"),
    "png whose chunk is longer than the file": (
        png(16, 16, bytes(17 * 16)).replace(struct.pack(">I", 13), struct.pack(">I", 2**31 - 1), 1),
        "truncated",
    ),
    "png with missing rows": (png(64, 64, bytes(65 * 40)), "corrupt"),
    "palette png with missing rows": (
        png(64, 64, bytes(65 * 40), colour=3, before=chunk(b"PLTE", bytes(768))),
        "corrupt",
    ),
    "png with alpha and missing rows": (png(64, 64, bytes(257 * 40), colour=6), "corrupt"),
    "transparent all over": (png(16, 16, bytes(65 * 16), colour=6), "blank"),
    "30000x30000 png": (png(30000, 30000, bytes(100)), "too-large"),
    "png that claims 3.6 gigapixels": (png(60000, 60000, b""), "too-large"),
    "npy that claims a terabyte": (npy_claiming((10**6, 10**6)), "too-large"),
    "npy with missing values": (npy_claiming((64, 64), bytes(100)), "truncated"),
    "npy with surplus values": (npy_claiming((16, 16), bytes(1000)), "corrupt"),
    "npy of objects": (npy(np.array([[None]]), allow_pickle=True), "unsupported"),
    "npy of float64": (npy(np.zeros((16, 16))), "unsupported"),
    "npy of int32": (npy(np.zeros((16, 16), np.int32)), "unsupported"),
    "npy of four axes": (npy(np.zeros((1, 16, 16, 3), np.uint8)), "unsupported"),
    "npy without pixels": (npy(np.zeros((0, 16), np.uint8)), "unsupported"),
    "npy beyond 1": (npy(np.full((16, 16), 1.5, np.float32)), "out-of-range"),
    "npy with NaN": (npy(np.full((16, 16), np.nan, np.float32)), "out-of-range"),
    "float tiff": (tiff(np.zeros((16, 16), np.float32)), "unsupported"),
    "lab tiff": (tiff(np.zeros((16, 16, 3), np.uint8), photometric="cielab"), "unsupported"),
    "npz": (npz(np.zeros((16, 16), np.uint8)), "not-an-image"),
    "float tiff of three channels": (tiff(np.zeros((16, 16, 3), np.float32), photometric="rgb"), "unsupported"),
    "signed tiff": (tiff(np.zeros((16, 16), np.int16)), "unsupported"),
    "32-bit tiff": (tiff(np.zeros((16, 16), np.uint32)), "unsupported"),
    "12-bit pgm": (b"P5 16 16 4095\n" + bytes(512), "unsupported"),
    "tiff of many channels with a missing strip": (
        tiff(np.ones((64, 64, 5), np.uint8), photometric="minisblack", planarconfig="contig")[:-100],
        "truncated",
    ),
    "heic": (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(50), "corrupt"),
    "jxl": (b"\xff\x0a" + bytes(50), "needs-package"),
}
"""Content of a file -> the reason why it is refused."""

NAMES = {
    "unicode": "Äpfel 日本語 🎨.png",
    "spaces": "  two  spaces .png",
    "quotes": 'it\'s "it".png',
    "option": "-rf.jpg",
    "newline": "two\nlines.png",
    "long": "x" * 236 + ".png",
    "not utf-8": os.fsdecode(b"caf\xe9\xff.png"),
    "decomposed": "e\u0301.png",
}
"""Names that some tool stumbles over."""


PIECES = (
    "..",
    ".",
    "/",
    "\\",
    ":",
    "C",
    "a",
    "b.png",
    "con",
    "NUL",
    " ",
    "//",
    "~",
    "%",
    "$HOME",
    "\x00",
    "ü",
    "/..",
    "-",
    "\udce9",
)


def hostile_names(count: int) -> Iterator[str]:
    """Paths as an archive or a file system may have them, the same each time; some are harmless."""
    draw = random.Random(0)
    for _ in range(count):
        pieces = draw.choices(PIECES, k=draw.randint(0, 7))
        if draw.random() < 0.3:
            pieces.insert(draw.randint(0, len(pieces)), chr(draw.randrange(0xD800)))
        yield "".join(pieces)


ESCAPES = [
    "../evil", "a/../../evil", "/evil", "//evil", "a/..", "..", "C:/evil", "C:evil", "c:\\evil", "a\\..\\..\\evil",
    "\\evil", "\\\\server\\share\\evil", "nul", "a/CON.png", "com1", "lpt9.txt", "aux .jpg", "a./b", "b ", "b.",
    "a:stream", "a\nb", "a\x1bb", "what?.png", "<a>", "x" * 256,
]  # fmt: skip
"""Names by which a file would be written elsewhere, on some system."""


def assert_below(name: str, parts: tuple[str, ...]) -> None:
    """What a name leads to, by pathlib on both systems, has these parts below the folder it was joined to."""
    for kind, top in ((PurePosixPath, "/top/out"), (PureWindowsPath, "D:\\top\\out")):
        joined = kind(top) / name
        assert ".." not in joined.parts
        assert joined.relative_to(top).parts == parts  # raises if it is elsewhere
        assert not any(PureWindowsPath(part).is_reserved() for part in parts)


def deflated_zeros(count: int) -> bytes:
    """A zlib stream (RFC 1950) of zeros, made without ever holding them."""
    block = 2**20
    deflate = zlib.compressobj(wbits=-15)
    same = deflate.compress(bytes(block)) + deflate.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    rest = deflate.compress(bytes(count % block)) + deflate.flush()
    return b"\x78\x9c" + same * (count // block) + rest + struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros


def png_of_zeros(width: int, height: int, colour: int, depth: int) -> bytes:
    line = 1 + width * depth * {0: 1, 2: 3, 6: 4}[colour] // 8
    return png_deflated(width, height, deflated_zeros(line * height), colour=colour, depth=depth)


def fax(width: int, height: int) -> bytes:
    """A TIFF of white lines in CCITT T.6, one bit for a line."""
    data = b"\xff" * (height // 8) + b"\x00\x10\x01"
    tags = {256: width, 257: height, 258: 1, 259: 4, 262: 0, 273: 8, 277: 1, 278: height, 279: len(data)}
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags))
    return head + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()) + bytes(4)


def resized_claim(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


def gif_of_frames(count: int) -> bytes:
    whole = encoded("GIF")
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return whole[:-1] + frame * count + b"\x3b"


BOMBS: dict[str, Callable[[], bytes]] = {
    "64 MP PNG": lambda: png_of_zeros(8000, 8000, 2, 8),
    "177 MP PNG": lambda: png_of_zeros(13300, 13300, 2, 8),
    "1024 MP PNG of 1 bit": lambda: png_of_zeros(32000, 32000, 0, 1),
    "400 MP TIFF": lambda: fax(20000, 20000),
    "256 MP JPEG": lambda: resized_claim(encoded("JPEG", "L"), b"\x08\x00\x40\x00\x40", b"\x08\x3e\x80\x3e\x80"),
    "4 GP GIF": lambda: resized_claim(encoded("GIF"), b"GIF87a\x40\0\x40\0", b"GIF89a\xff\xff\xff\xff"),
    "900 MP BMP": lambda: resized_claim(encoded("BMP"), struct.pack("<ii", 64, 64), struct.pack("<ii", 30000, 30000)),
    "900 MP PPM": lambda: b"P6 30000 30000 255\n" + bytes(1000),
    "268 MP WebP": lambda: resized_claim(
        encoded("WEBP", lossless=True), struct.pack("<I", 63 | 63 << 14), struct.pack("<I", 16383 | 16383 << 14)
    ),
    "900 MP JPEG 2000": lambda: resized_claim(
        encoded("JPEG2000", no_jp2=True),
        struct.pack(">IIII", 64, 64, 0, 0) + struct.pack(">IIII", 64, 64, 0, 0),
        struct.pack(">IIII", 30000, 30000, 0, 0) + struct.pack(">IIII", 30000, 30000, 0, 0),
    ),
    "3.6 GP claim": lambda: png(60000, 60000, b""),
    "terabyte NPY": lambda: npy_claiming((10**6, 10**6)),
    "64 bands of 4 MP": lambda: npy_claiming((2000, 2000, 64)),
    "500 MB of text": lambda: png(
        64, 64, bytes(65 * 64), before=chunk(b"zTXt", b"a\0\0" + deflated_zeros(500_000_000))
    ),
    "500 MB of international text": lambda: png(
        64, 64, bytes(65 * 64), before=chunk(b"iTXt", b"a\0\1\0\0\0" + deflated_zeros(500_000_000))
    ),
    "300 MB of colour profile": lambda: png(
        64, 64, bytes(65 * 64), before=chunk(b"iCCP", b"a\0\0" + deflated_zeros(300_000_000))
    ),
    "GIF of 250,000 frames": lambda: gif_of_frames(250_000),
}
"""Small files that take gigabytes or minutes; all but the texts and the frames are refused from their headers."""
READABLE = ("500 MB of text", "500 MB of international text", "300 MB of colour profile", "GIF of 250,000 frames")
"""Bombs whose image is small and sound: reading it is right, if it costs nothing."""


def tiff_of_directories(count: int) -> bytes:
    """A TIFF whose image is followed by directories without tags."""
    whole = tiff(np.zeros((16, 16), np.uint8))
    whole += bytes(len(whole) % 2)
    first = struct.unpack_from("<I", whole, 4)[0]
    link = first + 2 + 12 * struct.unpack_from("<H", whole, first)[0]
    chain = b"".join(struct.pack("<HI", 0, len(whole) + 6 * (number + 1)) for number in range(count - 1))
    return whole[:link] + struct.pack("<I", len(whole)) + whole[link + 4 :] + chain + bytes(6)


def tiff_of_tags(count: int, size: int) -> bytes:
    """A TIFF whose directory has tags that all hold the same bytes."""
    tags = [(256, 3, 1, 16), (257, 3, 1, 16), *((40000 + number, 7, size, 8) for number in range(count))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + directory


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG that says the same of the whole image again and again."""
    whole = encoded("JPEG", progressive=True)
    place = whole.rfind(b"\xff\xda")
    return whole[:-2] + whole[place:-2] * count + whole[-2:]


def jpeg2000_of_layers(count: int) -> bytes:
    """A JPEG 2000 of small precincts, with so many layers that nothing is stored in."""
    stream = io.BytesIO()
    Image.new("RGB", (256, 256)).save(stream, "JPEG2000", no_jp2=True, precinct_size=(64, 64))
    whole = bytearray(stream.getvalue())
    struct.pack_into(">H", whole, whole.find(b"\xff\x52") + 6, count)
    return bytes(whole)


ENDLESS: dict[str, Callable[[], bytes]] = {
    "PNG of chunks": lambda: png(64, 64, bytes(65 * 64), before=chunk(b"teXt", b"") * 150_000),
    "PNG of empty pixels": lambda: png(64, 64, bytes(65 * 64), before=chunk(b"IDAT", b"") * 150_000),
    "JPEG of comments": lambda: encoded("JPEG")[:2] + b"\xff\xfe\0\2" * 200_000 + encoded("JPEG")[2:],
    "JPEG of fill bytes": lambda: encoded("JPEG")[:2] + b"\xff" * 500_000 + encoded("JPEG")[2:],
    "JPEG of scans": lambda: jpeg_of_scans(300),
    "JPEG 2000 of boxes": lambda: encoded("JPEG2000")[:12] + b"\0\0\0\x08free" * 100_000 + encoded("JPEG2000")[12:],
    "JPEG 2000 of layers": lambda: jpeg2000_of_layers(65535),
    "PPM of comments": lambda: b"P6\n" + b"#\n" * 200_000 + b"16 16 255\n" + bytes(768),
    "TIFF of tags": lambda: tiff_of_tags(5_000, 60_000),
}
"""Files of a few megabytes at most that would keep a parser or a decoder busy for minutes, were they a bit larger."""

SPARSE: dict[str, bytes] = {
    "png": png(64, 64, bytes(65 * 64)),
    "png without its end": png(64, 64, bytes(65 * 64))[:-12],
    "jpeg": encoded("JPEG"),
    "gif": encoded("GIF"),
    "bmp": encoded("BMP"),
    "ppm": encoded("PPM"),
    "tiff": tiff(NOISE, photometric="rgb"),
    "webp": encoded("WEBP"),
    "jpeg 2000": encoded("JPEG2000"),
    "npy": npy(NOISE),
    "nothing": bytes(64),
}
"""What stands at the start of a file of gigabytes of zeros, which takes no room on disk."""


class Peak:
    """Growth of this process's resident memory."""

    bytes = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the largest growth in resident memory while something is done. Linux only."""
    peak = Peak()
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): reset the peak
    before = most_memory()
    yield peak
    peak.bytes = most_memory() - before


def most_memory() -> int:
    """The most bytes of memory that this process has had resident."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
