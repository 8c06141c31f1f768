"""Opening what is claimed to be an image file."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from i2i.errors import MissingInputError
from i2i.images.errors import ImageError

MAX_BYTES = 4 * 2**30
"""No image within any sensible limit of pixels has a larger file."""


def open_regular(path: Path, where: str = "") -> BinaryIO:
    """The file, open for reading. A pipe or a device is never opened, since that could wait for ever.

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
            raise ImageError(
                "too-large", f"{where} has {status.st_size} bytes, {MAX_BYTES} are allowed. Make it smaller."
            )
        return path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise ImageError(
                "not-a-file", f"{where} is a link to a file that is not there. Mend or remove it."
            ) from None
        raise MissingInputError(f"There is no file {where}.") from None
    except OSError as error:
        raise ImageError("unreadable", f"{where} cannot be opened: {(error.strerror or str(error)).lower()}.") from None


def read_bytes(path: Path, where: str = "") -> bytes:
    """All bytes of a file; see `open_regular`."""
    with open_regular(path, where) as stream:
        try:
            return stream.read()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ImageError("unreadable", f"{where or repr(str(path))} cannot be read: {reason}.") from None
