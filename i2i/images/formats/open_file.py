"""Opening what is claimed to be an image file, and reading its header at a price that is known beforehand."""

import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from i2i.errors import MissingInputError
from i2i.images.errors import ImageError

MAX_BYTES = 4 * 2**30
"""No image within any sensible limit of pixels has a larger file."""
LOOK_FIRST = 64 * 2**20
"""Files above this many bytes are read only if their header, within so many, accounts for the rest."""
PIECES = 65_536
"""Reads that the parser of a header may make, some microseconds each: photographs take about thirty."""
BYTES_PER_PIECE = 512
"""Further bytes of a file that allow one read more; PNG writers store 8192 bytes in four reads."""


def open_regular(path: Path, where: str = "") -> BinaryIO:
    """Open a file for reading. A pipe or a device is never opened, since that could wait for ever.

    Args:
        path: The file.
        where: Its name in errors; its path when not given.

    Raises:
        MissingInputError: If there is nothing of that name.
        ImageError: If it is not a file, or may not be read.
    """
    where = where or repr(str(path))
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("not-a-file", f"{where} is a folder. Give an image, or a folder that may be opened.")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("not-a-file", f"{where} is a pipe or a device, not a file. Remove it.")
        if status.st_size == 0:
            raise ImageError("empty", f"{where} is empty. Copy or download it again.")
        if status.st_size > MAX_BYTES:
            raise too_many_bytes(where, status.st_size, MAX_BYTES)
        return path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            message = f"{where} is a link to a file that is not there. Mend or remove it."
            raise ImageError("not-a-file", message) from None
        raise MissingInputError(f"There is no file {where}.") from None
    except OSError as error:
        raise ImageError("unreadable", f"{where} cannot be opened: {(error.strerror or str(error)).lower()}.") from None


def too_many_bytes(where: str, size: int, allowed: int) -> ImageError:
    """Return the error about a file that is larger than its image needs."""
    return ImageError("too-large", f"{where} has {size} bytes, its image may have {allowed}. Save the image anew.")


class Metered:
    """A stream for parsers of headers that ends their work when a file makes them read on and on.

    Two million empty chunks before the pixels, or a directory that points at the same megabyte a thousand times, are
    small files that would take minutes.

    Args:
        stream: The file.
        where: Its name in errors.
    """

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream, self._where = stream, where
        self.seek, self.tell = stream.seek, stream.tell
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if size > LOOK_FIRST and not isinstance(stream, BytesIO):
            size = 0  # its header may be that of a few pixels before gigabytes of nothing
        self._bytes = LOOK_FIRST + 4 * size
        self._pieces = PIECES + size // BYTES_PER_PIECE

    def read(self, size: int = -1, /) -> bytes:
        """Read bytes, all that are left by default.

        Raises:
            ImageError: If that is more than a header needs.
        """
        data = self._stream.read(size if 0 <= size <= self._bytes else self._bytes + 1)
        self._bytes -= len(data)
        self._pieces -= 1
        if self._bytes < 0 or self._pieces < 0:
            raise ImageError("corrupt", f"{self._where} has more before its pixels than any image has. Save it anew.")
        return data

    def readable(self) -> bool:
        """Return whether it can be read: tell those who ask before they do."""
        return True
