"""What folders of photographs hold besides photographs: oddities of cameras, damage of every kind, links, bombs."""

import io
import os
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic as now
from typing import Any, ClassVar, NamedTuple, get_args

import cv2
import numpy as np
from heif_files import FILES
from hostile_files import BOMBS, DAMAGED, NAMES, NOISE, most_memory, npy, png, tiff
from PIL import Image

import i2i
from i2i.images import printable
from i2i.images.errors import Reason
from i2i.pairs import Pair, Pixels, Reading
from i2i.preparation import Report, prepare, verify


def sound_files() -> dict[str, bytes]:
    """Photographs of many kinds, all of which can be used: file name -> content."""
    photo = Image.fromarray(cv2.resize(NOISE[:8, :8], (96, 64), interpolation=cv2.INTER_CUBIC))

    def saved(name: str, mode: str = "RGB", frames: int = 1, **options: Any) -> bytes:
        stream = io.BytesIO()
        more = {"save_all": True, "append_images": [photo.rotate(180)] * (frames - 1)} if frames > 1 else {}
        photo.convert(mode).save(stream, name, **more, **options)
        return stream.getvalue()

    turned = {}
    for orientation in (*range(10), 255):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for name in ("JPEG", "PNG", "WEBP"):
            turned[f"turned {orientation}.{name.lower()}"] = saved(name, exif=exif)
    rgb: Pixels = np.asarray(photo)
    deep = rgb.astype(np.uint16) * 257
    return {
        "plain.jpg": saved("JPEG"),
        "progressive.jpg": saved("JPEG", progressive=True),
        "gray.jpg": saved("JPEG", "L"),
        "cmyk.jpg": saved("JPEG", "CMYK"),
        "rgb.jpg": saved("JPEG", keep_rgb=True),
        "motion.jpg": saved("JPEG") + b"\0\0\0\x18ftypmp42" + bytes(1000),
        "two.mpo": saved("MPO", frames=2),
        "broken exif.jpg": saved("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "plain.png": saved("PNG"),
        "alpha.png": saved("PNG", "RGBA"),
        "gray alpha.png": saved("PNG", "LA"),
        "palette.png": saved("PNG", "P"),
        "palette key.png": saved("PNG", "P", transparency=0),
        "one bit.png": saved("PNG", "1"),
        "deep.png": cv2.imencode(".png", deep)[1].tobytes(),
        "deep gray.png": cv2.imencode(".png", deep[..., 0])[1].tobytes(),
        "moving.apng": saved("PNG", frames=2),
        "named wrongly.jpg": saved("PNG"),
        "named wrongly.png": saved("JPEG"),
        "bad profile.png": saved("PNG", icc_profile=b"x" * 200),
        "plain.webp": saved("WEBP"),
        "exact.webp": saved("WEBP", lossless=True),
        "moving.webp": saved("WEBP", frames=2),
        "plain.gif": saved("GIF"),
        "moving.gif": saved("GIF", frames=2),
        "plain.tif": saved("TIFF"),
        "packed.tif": saved("TIFF", compression="tiff_lzw"),
        "deflated.tif": saved("TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": saved("TIFF", compression="jpeg"),
        "fax.tif": saved("TIFF", "1", compression="group4"),
        "cmyk.tif": saved("TIFF", "CMYK"),
        "pages.tif": saved("TIFF", frames=2),
        "deep.tif": tiff(deep, photometric="rgb"),
        "bands.tif": tiff(np.dstack([rgb, rgb]), photometric="minisblack", planarconfig="contig"),
        "plain.bmp": saved("BMP"),
        "plain.ppm": saved("PPM"),
        "plain.jp2": saved("JPEG2000"),
        "plain.avif": saved("AVIF"),
        "plain.heic": FILES["plain.heic"],
        "deep.heic": FILES["deep.heic"],
        "bands.npy": npy(np.dstack([rgb, rgb])),
        "floats.npy": npy((rgb / np.float32(127.5) - 1).astype(np.float32)),
        "long.png": png(640, 16, bytes(641 * 16)),
        **turned,
    }


class Mutator:
    """Damages files, one way or several at once, the same way for the same seed.

    Args:
        seed: Of what is done.
    """

    EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
    HEAD = 400  # bytes in which most formats say how large everything is

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._sound = sound_files()

    def files(self, count: int) -> Iterator[tuple[str, bytes]]:
        """Damaged files by name."""
        names = sorted(self._sound)
        ways = (self._cut, self._flip, self._repeat, self._claim, self._splice)
        for number in range(count):
            name = self._random.choice(names)
            data = bytearray(self._sound[name])
            for _ in range(self._random.choice((1, 1, 1, 2, 4))):
                self._random.choice(ways)(data)
            suffix = Path(self._random.choice(names) if self._random.random() < 0.1 else name).suffix
            yield f"{number:05}{suffix}", bytes(data)

    def _place(self, data: bytearray) -> int:
        end = min(len(data), self.HEAD) if self._random.random() < 0.5 else len(data)
        return self._random.randrange(end) if end else 0

    def _run(self, data: bytearray) -> slice:
        start = self._place(data)
        return slice(start, start + self._random.randint(1, 64))

    def _cut(self, data: bytearray) -> None:
        del data[self._place(data) :]

    def _flip(self, data: bytearray) -> None:
        for _ in range(self._random.choice((1, 8, 64)) if data else 0):
            data[self._place(data)] ^= 1 << self._random.randrange(8)

    def _repeat(self, data: bytearray) -> None:
        run = self._run(data)
        data[run.stop : run.stop] = data[run] * self._random.choice((1, 1000))

    def _claim(self, data: bytearray) -> None:
        order, size = self._random.choice((">", "<")), self._random.choice((1, 2, 4))
        value = self._random.choice(self.EXTREMES) & (256**size - 1)
        start = self._place(data)
        data[start : start + size] = value.to_bytes(size, "big" if order == ">" else "little")

    def _splice(self, data: bytearray) -> None:
        other = self._sound[self._random.choice(sorted(self._sound))]
        data[self._place(data) :] = other[self._random.randrange(len(other)) :]


def plant(folder: Path, *, mutants: int, seed: int) -> dict[str, str]:
    """Fill a folder with everything that is known to hurt.

    Args:
        folder: Is made.
        mutants: How many files are damaged at random.
        seed: Of the damage.

    Returns:
        Name below the folder -> ``made``, ``skipped``, the reason of its refusal, or ``any`` where damage may leave a
        usable picture. Files below a folder that is not entered have no name of their own.
    """
    fates: dict[str, str] = {}

    def put(name: str, data: bytes, fate: str) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        fates[name] = fate

    sound = sound_files()
    good = sound["plain.png"]
    for name, data in sound.items():
        put(f"odd/{name}", data, "made")
    for kind, (data, reason) in DAMAGED.items():
        put(f"damaged/{kind}.jpg", data, reason)
    for name in NAMES.values():
        put(f"names/{name}", good, "made")
    for name in ("a.png", "A.PNG", "a.webp", "sub/a.png", "a.jpg/a.png", "é.png", "e\u0301.png", "con.png"):
        put(f"twins/{name}", good, "made")
    for name, size in {"1x1": (1, 1), "8x8": (8, 8), "4000x12": (4000, 12)}.items():
        put(f"small/{name}.png", png(*size, bytes((size[0] + 1) * size[1])), "too-small")
    for name in ("._x.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
        put(f"junk/{name}", good, "skipped")
    for name in ("__MACOSX", "@eaDir", ".thumbnails", ".git", "$RECYCLE.BIN"):
        put(f"junk/{name}/1.png", good, "skipped")
        fates[f"junk/{name}"] = fates.pop(f"junk/{name}/1.png")
    for name in (
        "clip.mp4",
        "raw.cr2",
        "drawing.svg",
        "paper.pdf",
        "layers.psd",
        "photos.zip",
        "photo.jpg.xmp",
        "note",
    ):
        put(f"others/{name}", b"", "skipped")
    for kind in ("64 MP PNG", "400 MP TIFF", "256 MP JPEG", "4 GP GIF", "900 MP BMP", "900 MP PPM", "268 MP WebP"):
        put(f"bombs/{kind}.jpg", BOMBS[kind](), "too-large")
    links = folder / "links"
    links.mkdir()
    os.mkfifo(links / "pipe.jpg")
    (links / "gone.png").symlink_to("nowhere.png")
    (links / "self.png").symlink_to("self.png")
    (links / "other.png").symlink_to("../odd/plain.png")
    (links / "loop").symlink_to("..")
    (links / "again").symlink_to("../odd")
    more = {"pipe.jpg": "not-a-file", "gone.png": "not-a-file", "self.png": "unreadable", "other.png": "made"}
    fates |= {f"links/{name}": fate for name, fate in more.items()}
    for name, data in Mutator(seed).files(mutants):
        put(f"mutants/{name}", data, "any")
    put("zzz.png", good, "made")
    return fates


class Witness:
    """A picture and its negative; notes for each how much memory its process has had so far.

    Args:
        log: File that gets a line of bytes for each picture.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self, *, log: str) -> None:
        self.log = log

    def __call__(self, *images: Pixels) -> Pair:
        (image,) = images
        with open(self.log, "a") as file:
            print(most_memory(), file=file)
        return Pair(image[::-1], image)


class Plugin:
    @i2i.hookimpl
    def i2i_preparers(self) -> dict[str, type[Witness]]:
        import hostile_folder  # by this name, worker processes find the class

        return {"witness": hostile_folder.Witness}


class Trial(NamedTuple):
    """What became of a hostile folder."""

    fates: dict[str, str]
    """As `plant` gives them."""
    out: Path
    """The dataset, inside the folder that it was made of."""
    report: Report
    again: Report
    """Of a second run."""
    wrong: list[str]
    """A line for each file that has met another fate, has none or two, or was refused without a word."""
    memory: int
    """Most bytes that the worker has had resident."""
    slowest: float
    """Seconds that the slowest file took, from the second one on."""


def tried(folder: Path, *, mutants: int, seed: int = 0) -> Trial:
    """Prepare a hostile folder, with one worker and the preparer of `Plugin`, which must be installed.

    Args:
        folder: Is empty, and holds everything afterwards.
        mutants: How many files are damaged at random.
        seed: Of the damage.
    """
    source, out, log = folder / "in", folder / "in" / "out", folder / "log"
    fates = plant(source, mutants=mutants, seed=seed)
    times: list[float] = []

    def run() -> Report:
        tell = {"log": str(log)}
        return prepare("witness", [source], out, options=tell, workers=1, on_progress=lambda *_: times.append(now()))

    report = run()
    slowest = max(after - before for before, after in pairwise(times[1:]))
    again = run()
    memory = max(map(int, log.read_text().split()))
    return Trial(fates, out, report, again, [*_wrong(fates, report), *map(str, verify(out))], memory, slowest)


def _wrong(fates: dict[str, str], report: Report) -> Iterator[str]:
    expected = {printable(name): fate for name, fate in fates.items()}
    for row in report.rows:
        fate = expected.pop(row.name, "nothing, or one fate only")
        met = row.reason if row.status == "rejected" else row.status
        if met != fate and not (fate == "any" and met in ("made", *get_args(Reason))):
            yield f"{row.name}: {met} ({row.message}), expected was {fate}"
        if row.status == "rejected" and (not row.message or "\n" in row.message):
            yield f"{row.name}: {row.message!r} is not one line"
    yield from (f"{name}: nothing is said about it" for name in expected)
    if len(fates) != report.made + sum(report.skipped.values()) + sum(map(len, report.rejected.values())):
        yield "the counts do not add up"
