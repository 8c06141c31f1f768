"""Frames of videos, counted exactly and read in any order."""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

import cv2

from i2i.images import ImageError
from i2i.pairs import Pixels
from i2i.system import pool
from i2i.system.devices import available_cpus
from i2i.system.files import sha256_of

SUFFIXES = frozenset(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
FAR = 100
"""Frames to pass over one by one; a longer way is shorter from the nearest key frame."""
TOLERANCE = 0.02
"""Share of its length that a video may lack: many containers round it, or guess it from the rate."""
FRAMES_A_TIME = 32
"""Frames after which the time limit of a worker begins anew: a video may be long, but its decoder must not stop."""


class Scan(NamedTuple):
    """What a video turned out to hold."""

    frames: int
    rate: float
    """Frames a second."""
    height: int
    width: int
    times: list[float]
    """When each frame is shown, milliseconds; empty where the video does not say it of every one."""
    sha256: str
    """Of the file's bytes."""


def scan(file: str) -> Scan:
    """Decode a video from its first to its last frame: what its header says is a guess in many containers.

    Raises:
        ImageError: If it cannot be opened, holds no frame, or ends before it should.
    """
    capture = _opened(file)
    try:
        told, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        times = []
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            if len(times) % FRAMES_A_TIME == 0:
                pool.extend()
        height, width = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    finally:
        capture.release()
    name = Path(file).name
    if not times:
        raise ImageError("corrupt", f"{name!r} holds no frame that can be decoded. Copy or download it again.")
    known = all(before < after for before, after in pairwise(times))
    length = max(len(times), times[-1] * rate / 1000 + 1) if known else len(times)
    if 0 < told < 2**31 and told - length > max(1.0, TOLERANCE * told):
        # what a phone trims is still in the file and counted, and only left out when it is played
        shown = edited_seconds(file)
        told = told if shown is None else min(told, shown * rate)
        if told - length > max(1.0, TOLERANCE * told):
            raise ImageError(
                "truncated", f"{name!r} ends after {len(times)} of {told:.0f} frames. Copy or download it again."
            )
    return Scan(len(times), rate, height, width, times if known else [], sha256_of(Path(file)))


def edited_seconds(file: str) -> float | None:
    """Return how long a film is shown by its edit list (ISO/IEC 14496-12, 8.6.6), seconds; None where it has none."""
    try:
        with open(file, "rb") as opened:
            film = memoryview(mmap(opened.fileno(), 0, access=ACCESS_READ))
        movie = list(_boxes(dict(_boxes(film))[b"moov"]))
        header = dict(movie)[b"mvhd"]
        (units,) = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)  # of time in a second
        for kind, track in movie:
            inside = dict(_boxes(track)) if kind == b"trak" else {}
            handler = dict(_boxes(inside[b"mdia"]))[b"hdlr"] if b"mdia" in inside else b""
            if handler[8:12] == b"vide" and b"edts" in inside:
                edits = dict(_boxes(inside[b"edts"]))[b"elst"]
                entry = ">qqI" if edits[0] == 1 else ">iiI"
                (count,) = struct.unpack_from(">I", edits, 4)
                entries = struct.iter_unpack(entry, edits[8 : 8 + count * struct.calcsize(entry)])
                seconds: float = sum(length for length, begin, _ in entries if begin >= 0) / units  # -1 shows nothing
                return seconds
    except (OSError, ValueError, LookupError, struct.error, ZeroDivisionError):  # another container, or damaged
        pass
    return None


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of the boxes of an MP4 or QuickTime file, or of those inside of one."""
    while len(data) >= 8:
        size, kind = struct.unpack_from(">I4s", data)
        begin = 8
        if size == 1:
            (size,), begin = struct.unpack_from(">Q", data, 8), 16
        if size < begin:
            return
        yield kind, data[begin:size]
        data = data[size:]


def scan_all(
    files: Sequence[str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    max_stall: float = pool.MAX_SECONDS,
) -> dict[str, Scan | ImageError]:
    """Scan files in processes of their own: a damaged video may end its decoder's, or have it wait for ever.

    Args:
        files: The videos.
        on_progress: Told how many of how many are done.
        max_stall: Seconds within which a decoder must open a video, or come some frames further.
    """
    scans: dict[str, Scan | ImageError] = {}
    on_progress(0, len(files))
    workers = min(available_cpus(), len(files))
    with closing(pool.run(_scanner, (), files, workers, max_seconds=max_stall)) as results:
        for file, result in results:
            if isinstance(result, pool.Death):
                stalled, name = result.reason == "timed-out", Path(file).name
                message = f"The decoder {'waits in' if stalled else 'dies of'} {name!r}: {result.message}"
                result = ImageError("unreadable" if stalled else "corrupt", f"{message} Copy or download it again.")
            scans[file] = result
            on_progress(len(scans), len(files))
    return scans


def _scanner() -> Callable[[str], Scan | ImageError]:
    def work(file: str) -> Scan | ImageError:
        try:
            return scan(file)
        except ImageError as error:
            return error

    return work


class FrameReader:
    """Reads frames of videos; quick where the next one wanted is near behind the last one."""

    def __init__(self) -> None:
        self._file = ""
        self._next = 0
        self._capture = cv2.VideoCapture()

    def read(self, file: str, index: int, time: float | None) -> Pixels:
        """Read one frame, (H, W, 3), uint8, RGB, upright.

        Args:
            file: The video.
            index: Of the frame.
            time: When it is shown, milliseconds; by this a jump is checked, and without it none is made.

        Raises:
            ImageError: If there is no such frame any more.
        """
        if file != self._file or self._next > index:
            self._rewind(file)
        if time is not None and index - self._next > FAR and not self._jumped(index, time):
            self._rewind(file)
        while self._next <= index:
            if not self._capture.grab():
                raise ImageError("truncated", f"{Path(file).name!r} has no frame {index} any more.")
            self._next += 1
            if self._next % FRAMES_A_TIME == 0:
                pool.extend()
        done, pixels = self._capture.retrieve()
        if not done:
            raise ImageError("corrupt", f"Frame {index} of {Path(file).name!r} cannot be decoded.")
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _rewind(self, file: str) -> None:
        self._capture.release()
        self._file = ""  # until it is open
        self._capture, self._file, self._next = _opened(file), file, 0

    def _jumped(self, index: int, time: float) -> bool:
        """Go to the frame before this one, and see whether this one follows: jumps are inexact in some videos."""
        if not (self._capture.set(cv2.CAP_PROP_POS_FRAMES, index) and self._capture.grab()):
            return False
        self._next = index + 1
        return abs(self._capture.get(cv2.CAP_PROP_POS_MSEC) - time) < 0.5


def _opened(file: str) -> cv2.VideoCapture:
    # FFmpeg writes to the terminal what is in the report, and might follow a playlist to the network
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
    capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise ImageError("unreadable", f"{Path(file).name!r} is no video that can be read. Convert it to MP4.")
    return capture
