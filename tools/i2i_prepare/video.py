"""Frames of videos, counted exactly and read in any order."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import cv2

from i2i.images import ImageError
from i2i.pairs import Pixels
from i2i.system.files import sha256_of

SUFFIXES = frozenset(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
FAR = 100
"""Frames to pass over one by one; a longer way is shorter from the nearest key frame."""
TOLERANCE = 0.02
"""Share of its length that a video may lack: many containers round it, or guess it from the rate."""

MAX_STALL = 120.0
"""Seconds within which a decoder must open a video, or come from one frame to the next."""


class Scan(NamedTuple):
    """What a video turned out to hold."""

    frames: int
    rate: float
    """Frames a second."""
    height: int
    width: int
    times: list[float]
    """When each frame is shown, milliseconds; empty where the video does not say it of every one."""
    sha256: str = ""
    """Of the file's bytes, as `scan_all` adds it."""


def scan(file: str, on_frame: Callable[[], None] = lambda: None) -> Scan:
    """Decode a video from its first to its last frame: what its header says is a guess in many containers.

    Args:
        file: The video.
        on_frame: Called after each frame.

    Raises:
        ImageError: If it cannot be opened, holds no frame, or ends before it should.
    """
    capture = _opened(file)
    try:
        told, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        times = []
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            on_frame()
        height, width = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    finally:
        capture.release()
    name = Path(file).name
    if not times:
        raise ImageError("corrupt", f"{name!r} holds no frame that can be decoded. Copy or download it again.")
    known = all(before < after for before, after in pairwise(times))
    length = max(len(times), times[-1] * rate / 1000 + 1) if known else len(times)
    if 0 < told < 2**31 and told - length > max(1.0, TOLERANCE * told):
        raise ImageError(
            "truncated", f"{name!r} ends after {len(times)} of {told:.0f} frames. Copy or download it again."
        )
    return Scan(len(times), rate, height, width, times if known else [])


def scan_all(files: Sequence[str], max_stall: float = MAX_STALL) -> Iterator[Scan | ImageError]:
    """`scan` of each file, in a process of its own: a damaged video may end its decoder's, or have it wait for ever."""
    scanner = None
    try:
        for file in files:
            scanner = scanner or _Scanner(max_stall)
            result = scanner.scan(file)
            if not scanner.is_alive:
                scanner = None
            yield result._replace(sha256=sha256_of(Path(file))) if isinstance(result, Scan) else result
    finally:
        if scanner is not None:
            scanner.stop()


class _Scanner:
    """A process that scans, and tells of every frame that it lives.

    Args:
        max_stall: Seconds for which it may tell nothing.
    """

    def __init__(self, max_stall: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # so that its death ends the connection
        self._max_stall = max_stall
        self.is_alive = True
        with suppress(EOFError):  # the first file will show that it has died
            self._connection.recv()  # it is ready

    def scan(self, file: str) -> Scan | ImageError:
        """What came of a file; a process that it ended or held up is not there any more."""
        problem = ImageError("corrupt", f"The decoder dies of {Path(file).name!r}. Copy or download it again.")
        with suppress(EOFError, OSError):
            self._connection.send(file)
            while self._connection.poll(self._max_stall):
                result: Scan | ImageError | None = self._connection.recv()
                if result is not None:
                    return result
            message = f"The decoder waits in {Path(file).name!r} for more than {self._max_stall:g} seconds."
            problem = ImageError("unreadable", f"{message} Copy or download it again.")
        self.stop()
        return problem

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()
        self.is_alive = False


def _serve(connection: Connection) -> None:
    """The life of a scanner: one file after the other until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    with suppress(EOFError, OSError):
        connection.send(None)
        while True:
            file = connection.recv()
            try:
                result: Scan | ImageError = scan(file, lambda: connection.send(None))
            except ImageError as error:
                result = error
            connection.send(result)


class FrameReader:
    """Reads frames of videos; quick where the next one wanted is near behind the last one."""

    def __init__(self) -> None:
        self._file = ""
        self._next = 0
        self._capture: cv2.VideoCapture | None = None

    def read(self, file: str, index: int, time: float | None) -> Pixels:
        """One frame, (H, W, 3), uint8, RGB, upright.

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
