"""What the reader refuses, why, and that it does so without decoding, waiting or crashing."""

import io
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import (
    BOMBS,
    DAMAGED,
    ENDLESS,
    NAMES,
    NOISE,
    READABLE,
    SPARSE,
    encoded,
    gif_of_frames,
    peak_memory,
    png,
    tiff,
    tiff_of_directories,
)
from PIL.GifImagePlugin import GifImageFile

from i2i import images
from i2i.images import ImageError, read, read_header, reader
from i2i.images.formats import open_file


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_no_sound_image_is_refused_with_its_reason(kind: str, tmp_path: Path) -> None:
    data, reason = DAMAGED[kind]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError) as refused:
        read(path)
    assert refused.value.reason == reason
    assert "photo.jpg" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 65


@pytest.mark.parametrize("share", [0.02, 0.3, 0.97])
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


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (4000, 12)])
def test_tiny_image_is_refused_where_a_least_side_is_asked_for(size: tuple[int, int]) -> None:
    data = png(*size, bytes((size[0] + 1) * size[1]))
    assert read(data).pixels.shape == (size[1], size[0], 1)
    with pytest.raises(ImageError, match="at least 16 pixels") as refused:
        read(data, min_side=16)
    assert refused.value.reason == "too-small"


def test_limit_of_pixels_is_the_callers_and_may_be_above_pillows_own() -> None:
    assert read_header(io.BytesIO(png(20000, 15000, b"")), "it").width == 20000
    data = png(20, 10, bytes(21 * 10))
    assert read(data, max_pixels=200).pixels.shape == (10, 20, 1)
    with pytest.raises(ImageError, match="20x10") as refused:
        read(data, max_pixels=199)
    assert refused.value.reason == "too-large"
    with pytest.raises(ImageError, match=r"199 pixels are allowed\. Make it smaller, or allow more: --max=200\."):
        read(data, max_pixels=199, allow="--max")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("kind", BOMBS)
def test_bomb_is_refused_from_its_header_or_costs_nothing(kind: str) -> None:
    data = BOMBS[kind]()
    reason = "too-large"
    with peak_memory() as peak:
        try:
            read(data)
            assert kind in READABLE
        except ImageError as error:
            reason = error.reason
    assert reason == "too-large"
    assert peak.bytes < 64e6


@pytest.mark.parametrize("kind", ENDLESS)
def test_file_that_would_keep_a_parser_busy_is_refused_within_a_second(kind: str) -> None:
    data = ENDLESS[kind]()
    start = time.process_time()
    with pytest.raises(ImageError, match=r"the image (has more before its pixels|is damaged: it has more than)"):
        read(data)
    assert time.process_time() - start < 1


def test_decoder_that_hangs_is_left_behind_with_one_line_and_the_next_image_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, hanging, sound = tmp_path / "photo.gif", threading.Event(), encoded("GIF")
    path.write_bytes(sound)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "MAX_SECONDS", 0.05)
        patched.setattr(reader, "UNTIMED", 0)
        patched.setattr(GifImageFile, "load", lambda image: hanging.wait(60))
        with pytest.raises(ImageError, match=r"photo\.gif' takes longer than 0\.05 seconds to decode") as refused:
            read(path)
    assert refused.value.reason == "timed-out"
    assert read(path).pixels.shape == (64, 64, 3)
    hanging.set()


@pytest.mark.parametrize("name", ["BMP", "PPM", "TIFF", "WEBP", "JPEG2000"])
def test_large_sound_file_is_read(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(open_file, "LOOK_FIRST", 1000)
    data = encoded(name, lossless=True)
    assert len(data) > 4000
    assert read(data).pixels.shape == (64, 64, 3)


def test_frames_are_counted_up_to_a_limit_only() -> None:
    assert read(gif_of_frames(60_000)).notes == ("first of 10000 frames or more",)
    assert read(tiff_of_directories(60_000)).notes == ("first of 10000 frames or more",)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("kind", SPARSE)
def test_gigabytes_that_the_image_does_not_need_are_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(SPARSE[kind])
    os.truncate(path, 2**32)
    start = time.process_time()
    with peak_memory() as peak, pytest.raises(ImageError, match=r"photo\.png"):
        read(path)
    assert time.process_time() - start < 1
    assert peak.bytes < 200e6


def test_photograph_with_a_film_behind_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded("JPEG") + bytes(20_000_000))
    assert read(path).pixels.shape == (64, 64, 3)


CHATTER = """
import os, sys
from i2i import images
from i2i.system.chatter import own_stderr

def read_all():
    for path in sys.argv[1:]:
        try:
            images.read(path)
        except images.ImageError:
            print("refused", file=sys.stderr)

read_all()
own_stderr()
print("now a command", file=sys.stderr)
read_all()
os.write(2, b"heard again")
"""


def test_codecs_write_nothing_to_the_terminal_of_a_command(tmp_path: Path) -> None:
    jpeg, inflated = bytearray(encoded("JPEG")), bytearray(encoded("PNG"))
    jpeg[-200:-100] = bytes(100)
    inflated[2000:2100] = bytes(100)
    fax = bytearray(encoded("TIFF", "1", compression="group4"))
    fax[20:60] = b"\xff" * 40
    for name, data in (("a.jpg", jpeg), ("b.png", inflated), ("c.tif", fax)):
        (tmp_path / name).write_bytes(data)
    call = [sys.executable, "-c", CHATTER, *sorted(map(str, tmp_path.iterdir()))]
    before, after = subprocess.run(call, capture_output=True, text=True, check=True).stderr.split("now a command\n")
    assert "libpng error" in before
    assert "Corrupt JPEG data" in before
    assert set(after.split("\n")) == {"refused", "heard again"}


def test_words_of_libraries_are_not_passed_on() -> None:
    tags = bytearray(encoded("TIFF"))
    place = tags.find(struct.pack("<HH", 256, 4))
    tags[place : place + 2] = struct.pack("<H", 255)  # TIFF 6.0: there is no ImageWidth any more
    with pytest.raises(ImageError, match=r"^the image is damaged: its header makes no sense\. Copy or"):
        read(bytes(tags))


@pytest.mark.parametrize(
    ("make", "said", "reason"),
    [
        (os.mkfifo, "is a pipe or a device", "not-a-file"),
        (Path.mkdir, "is a folder", "not-a-file"),
        (lambda path: path.symlink_to("gone.jpg"), "is a link to a file that is not there", "not-a-file"),
        (lambda path: path.symlink_to("photo.jpg"), "cannot be opened", "unreadable"),
    ],
)
def test_what_is_no_file_is_never_opened(make: Callable[[Path], None], said: str, reason: str, tmp_path: Path) -> None:
    make(tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match=said) as refused:
        read(tmp_path / "photo.jpg")
    assert refused.value.reason == reason


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


def test_damage_that_costs_no_pixel_is_not_complained_about(tmp_path: Path) -> None:
    many = bytearray(encoded("TIFF"))
    many[8:10] = b"\xff\xff"  # how many tags there are
    unit = bytearray(tiff(np.ones((16, 16, 5), np.uint8), photometric="minisblack", planarconfig="contig"))
    unit[unit.find(struct.pack("<HHI", 296, 3, 1)) + 8] = 17  # TIFF 6.0: ResolutionUnit, one SHORT
    for name, data in (("many.tif", many), ("unit.tif", unit)):
        (tmp_path / name).write_bytes(data)
    code = "import sys; from i2i import images; print(*(images.read(name).pixels.shape for name in sys.argv[1:]))"
    files = [tmp_path / "many.tif", tmp_path / "unit.tif"]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("make", [lambda: images.encode(NOISE, ".gif"), lambda: images.encode(NOISE, "")])
def test_unknown_suffix_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(ImageError, match=r"Choose one of \.png"):
        make()
