"""What the reader refuses, why, and that it does so without decoding, waiting or crashing."""

import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from i2i import images
from i2i.images import ImageError, probe, read

rng = np.random.default_rng(0)
NOISE = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)


def encoded(name: str, mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(stream, name, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, values: bytes, *, colour: int = 0, depth: int = 8, before: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(values)) + chunk(b"IEND", b"")


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
    "zero bytes": (b"", "not-an-image"),
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
    "npy with surplus values": (npy_claiming((8, 8), bytes(100)), "corrupt"),
    "npy of objects": (npy(np.array([[None]]), allow_pickle=True), "unsupported"),
    "npy of float64": (npy(np.zeros((8, 8))), "unsupported"),
    "npy of int32": (npy(np.zeros((8, 8), np.int32)), "unsupported"),
    "npy of four axes": (npy(np.zeros((1, 8, 8, 3), np.uint8)), "unsupported"),
    "npy without pixels": (npy(np.zeros((0, 8), np.uint8)), "unsupported"),
    "npy beyond 1": (npy(np.full((8, 8), 1.5, np.float32)), "out-of-range"),
    "npy with NaN": (npy(np.full((8, 8), np.nan, np.float32)), "out-of-range"),
    "float tiff": (tiff(np.zeros((16, 16), np.float32)), "unsupported"),
    "npz": (npz(np.zeros((8, 8), np.uint8)), "not-an-image"),
    "float tiff of three channels": (tiff(np.zeros((16, 16, 3), np.float32), photometric="rgb"), "unsupported"),
    "signed tiff": (tiff(np.zeros((16, 16), np.int16)), "unsupported"),
    "32-bit tiff": (tiff(np.zeros((16, 16), np.uint32)), "unsupported"),
    "12-bit pgm": (b"P5 16 16 4095\n" + bytes(512), "unsupported"),
    "tiff of many channels with a missing strip": (
        tiff(np.ones((64, 64, 5), np.uint8), photometric="minisblack", planarconfig="contig")[:-100],
        "truncated",
    ),
    "heic": (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(50), "needs-package"),
    "jxl": (b"\xff\x0a" + bytes(50), "needs-package"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_no_sound_image_is_refused_with_its_reason(kind: str, tmp_path: Path) -> None:
    data, reason = DAMAGED[kind]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError) as refused:
        read(path)
    assert refused.value.reason == ("empty" if kind == "zero bytes" else reason)
    assert "photo.jpg" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 65


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"mode": "CMYK"}),
        ("PNG", {}),
        ("PNG", {"mode": "RGBA"}),
        ("PNG", {"mode": "P"}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("JPEG2000", {}),
        ("AVIF", {}),
        ("PPM", {}),
    ],
)
def test_truncated_image_is_refused(name: str, options: dict[str, Any], share: float) -> None:
    data = encoded(name, **options)
    with pytest.raises(ImageError) as refused:
        read(data[: int(len(data) * share)])
    assert refused.value.reason in ("truncated", "corrupt", "not-an-image")
    assert read(data).pixels.shape[:2] == (64, 64)


def test_flipped_bits_never_crash() -> None:
    for name in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
        whole = encoded(name)
        for _ in range(12):
            data = bytearray(whole)
            for place in rng.integers(0, min(len(data), 400), 8):
                data[place] ^= 1 << int(rng.integers(8))
            try:
                assert read(bytes(data)).pixels.dtype == np.uint8
            except ImageError as error:
                assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (4000, 12)])
def test_tiny_image_is_refused_where_a_least_side_is_asked_for(size: tuple[int, int]) -> None:
    data = png(*size, bytes((size[0] + 1) * size[1]))
    assert read(data).pixels.shape == (size[1], size[0], 1)
    with pytest.raises(ImageError, match="at least 16 pixels") as refused:
        read(data, min_side=16)
    assert refused.value.reason == "too-small"


def test_limit_of_pixels_is_the_callers(tmp_path: Path) -> None:
    data = png(20, 10, bytes(21 * 10))
    assert read(data, max_pixels=200).pixels.shape == (10, 20, 1)
    with pytest.raises(ImageError, match="20x10") as refused:
        read(data, max_pixels=199)
    assert refused.value.reason == "too-large"


def test_limit_may_be_above_pillows_own(tmp_path: Path) -> None:
    path = tmp_path / "claim.png"
    path.write_bytes(png(20000, 15000, b""))
    assert (probe(path).width, probe(path).height) == (20000, 15000)
    with pytest.raises(ImageError) as refused:
        read(path, max_pixels=10**7)
    assert refused.value.reason == "too-large"


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_compressed_text_bomb_costs_nothing(kind: bytes) -> None:
    bomb = chunk(kind, b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    data = png(16, 16, bytes(17 * 16), before=bomb)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        read(data)
    except ImageError as error:
        assert error.reason == "too-large"  # noqa: PT017 - it may be read too, if nothing inflates the chunk
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000  # KiB
    assert time.monotonic() - start < 5


def test_pixel_bomb_is_refused_from_its_header() -> None:
    data = png(20000, 20000, bytes(20001 * 20000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError):
        read(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000  # KiB


def test_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match="pipe") as refused:
        read(tmp_path / "photo.jpg")
    assert refused.value.reason == "not-a-file"


def test_link_to_nothing_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").symlink_to("gone.jpg")
    with pytest.raises(ImageError, match="link to a file that is not there"):
        read(tmp_path / "photo.jpg")


def test_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").symlink_to("photo.jpg")
    with pytest.raises(ImageError) as refused:
        read(tmp_path / "photo.jpg")
    assert refused.value.reason == "unreadable"


def test_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="folder"):
        read(tmp_path)


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


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_works_and_is_printable(kind: str, tmp_path: Path) -> None:
    path = tmp_path / NAMES[kind]
    path.write_bytes(encoded("PNG"))
    np.testing.assert_array_equal(read(path).pixels, NOISE)
    path.write_bytes(b"damaged")
    with pytest.raises(ImageError) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    str(refused.value).encode("utf-8")


@pytest.mark.parametrize("compression", [5, 50000])  # LZW, Zstandard
@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs decodes them")
def test_compression_that_nothing_decodes_is_named(compression: int) -> None:
    data = bytearray(tiff(np.ones((16, 16, 5), np.uint8), photometric="minisblack", planarconfig="contig"))
    place = data.find(struct.pack("<HHI", 259, 3, 1))  # TIFF 6.0: Compression, one SHORT
    data[place + 8 : place + 10] = struct.pack("<H", compression)
    with pytest.raises(ImageError, match="pip install imagecodecs") as refused:
        read(bytes(data))
    assert refused.value.reason == "needs-package"


def test_refusal_crosses_process_borders() -> None:
    error = pickle.loads(pickle.dumps(ImageError("blank", "it is blank")))
    assert (error.reason, str(error)) == ("blank", "it is blank")


def test_the_command_line_starts_without_image_libraries() -> None:
    code = "import sys, i2i.cli; print(sorted({'numpy', 'cv2', 'PIL', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("make", [lambda: images.encode(NOISE, ".gif"), lambda: images.encode(NOISE, "")])
def test_unknown_suffix_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(ImageError, match=r"Choose one of \.png"):
        make()
