"""Frames of videos, counted exactly and read in any order."""

import math
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2

from i2i.images import ImageError
from i2i.images.errors import Reason
from i2i.pairs import Pixels
from i2i.system import pool
from i2i.system.devices import available_cpus
from i2i.system.files import sha256_of
from i2i_prepare.edit_list import edited_seconds

SUFFIXES = frozenset(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
FAR = 100
"""Frames to pass over one by one; a longer way is shorter from the nearest key frame."""
TOLERANCE = 0.02
"""Share of its length that a video may lack: many containers round it, or guess it from the rate."""

FRAMES_A_TIME = 32
"""Frames after which the time limit of a worker begins anew."""


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
            _go_on(len(times))
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
        told = min(told, (edited_seconds(file) or math.inf) * rate)
        if told - length > max(1.0, TOLERANCE * told):
            raise ImageError(
                "truncated", f"{name!r} ends after {len(times)} of {told:.0f} frames. Copy or download it again."
            )
    return Scan(len(times), rate, height, width, times if known else [], sha256_of(Path(file)))


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
                name, what = Path(file).name, "waits in" if result.reason == "timed-out" else "dies of"
                reason: Reason = "unreadable" if result.reason == "timed-out" else "corrupt"
                result = ImageError(reason, f"The decoder {what} {name!r}: {result.message} Copy or download it again.")
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


def _go_on(frames: int) -> None:
    """Have the time limit begin anew now and then: a video may be long, but its decoder must not stop."""
    if frames % FRAMES_A_TIME == 0:
        pool.extend()


class FrameReader:
    """Reads frames of videos; quick where the next one wanted is near behind the last one."""

    def __init__(self) -> None:
        self._file = ""
        self._next = 0
        self._capture: cv2.VideoCapture | None = None

    def read(self, file: str, index: int, time: float | None) -> Pixels:
        """Read one frame, (H, W, 3), uint8, RGB, upright.

        Args:
            file: The video.
            index: Of the frame.
            time: When it is shown, milliseconds; by this a jump is checked, and without it none is made.

        Raises:
            ImageError: If there is no such frame any more.
        """
        if not (self._capture and file == self._file and self._next <= index):
            self._rewind(file)
        if time is not None and index - self._next > FAR and not self._jumped(index, time):
            self._rewind(file)
        while self._next <= index:
            if not (self._capture and self._capture.grab()):
                raise ImageError("truncated", f"{Path(file).name!r} has no frame {index} any more.")
            self._next += 1
            _go_on(self._next)
        done, pixels = self._capture.retrieve() if self._capture else (False, None)
        if not done or pixels is None:
            raise ImageError("corrupt", f"Frame {index} of {Path(file).name!r} cannot be decoded.")
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _rewind(self, file: str) -> None:
        if self._capture:
            self._capture.release()
        self._capture, self._file, self._next = _opened(file), file, 0

    def _jumped(self, index: int, time: float) -> bool:
        """Go to the frame before this one, and see whether this one follows: jumps are inexact in some videos."""
        if not (self._capture and self._capture.set(cv2.CAP_PROP_POS_FRAMES, index) and self._capture.grab()):
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
