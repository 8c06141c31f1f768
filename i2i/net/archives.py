"""Unpack archives whose members go below one folder and nowhere else, under names that every system understands."""

import gzip
import tarfile
import unicodedata
import zlib
from contextlib import closing
from pathlib import Path
from typing import IO, cast

from i2i.net.errors import ArchiveError
from i2i.system.files import NOT_IN_NAMES, WINDOWS_DEVICE, cannot_write, make_folder

MAX_BYTES = 64 * 2**30
"""Most that an archive may hold."""
MAX_MEMBERS = 500_000
MAX_RATIO = 200
"""Most bytes that come out of one byte of an archive."""
SMALL = 2**24
"""An archive that holds fewer bytes may have any ratio."""
MAX_HEADER = 2**20
"""Longest part of an archive that is read at once: of a header, bytes."""


def extract(archive: Path, folder: Path) -> None:
    """Unpack a tar archive, plain or compressed by gzip, below a folder; modes, owners and times are not taken over.

    Args:
        archive: The archive; its content decides what it is.
        folder: Where its members go.

    Raises:
        ArchiveError: If it is damaged, holds too much, or a member that may not be written: a link, a device, a name
            that leads elsewhere on some system. Files that came before that member are there.
        OutputError: If something cannot be written, or the disk is full.
    """
    make_folder(folder)
    try:
        with (
            closing(_ShortReads(archive)) as stream,
            tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as tar,
        ):
            _extract(tar, archive, folder)
            if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any end between two members for the end
                raise tarfile.ReadError("it is cut off")
            while stream.read(MAX_HEADER):  # to the checksum of what was decompressed
                pass
    except OSError as error:
        if error.errno is not None:
            raise cannot_write(folder, error) from error
        raise _damaged(archive, error) from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> ArchiveError:
    return ArchiveError(f"{archive.name!r} is damaged, or no tar archive: {error}. Fetch it again.")


def _extract(tar: tarfile.TarFile, archive: Path, folder: Path) -> None:
    left = min(MAX_BYTES, max(SMALL, MAX_RATIO * archive.stat().st_size))
    names = Names()
    for count, member in enumerate(tar, 1):
        left -= member.size
        if left < 0 or count > MAX_MEMBERS:
            raise ArchiveError(f"{archive.name!r} holds more than is allowed; it may be a bomb. Refused.")
        if not (member.isreg() or member.isdir()):
            raise ArchiveError(f"{archive.name!r} holds {member.name!r}, a link or a device. Refused.")
        try:
            names.take(member.name, is_folder=member.isdir())
            tar.extract(member, folder, set_attrs=False, filter="data")
        except (ValueError, tarfile.FilterError) as error:
            raise ArchiveError(f"{archive.name!r} holds {error} Refused.") from error


class _ShortReads:
    """A stream that tarfile may not read a large part of at once: it would read a header of any length to memory."""

    def __init__(self, archive: Path) -> None:
        with archive.open("rb") as file:
            is_compressed = file.read(2) == b"\x1f\x8b"
        stream = cast(IO[bytes], (gzip.open if is_compressed else open)(archive, "rb"))
        self._read, self.seek, self.tell, self.close = stream.read, stream.seek, stream.tell, stream.close
        self.last = b""
        """What was read last: behind the last member, a block of zeros."""

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError("a header is too long")
        self.last = self._read(size)
        return self.last


class Names:
    """The names in an archive or a repository, one after another.

    Each must be one below a folder under the rules of POSIX and of Windows alike, and no two may be one where neither
    case nor the way to write an accent counts.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, bool] = {}
        """The names so far, as a file system has them that ignores case, and whether each is a folder."""

    def take(self, name: str, *, is_folder: bool = False) -> tuple[str, ...]:
        """Return the parts of the next name; none of the folder itself.

        Raises:
            ValueError: If it may not be written; says which name, and why.
        """
        parts = safe_parts(name)
        if parts is None or not (parts or is_folder):
            raise ValueError(f"{name!r}, which some system takes for something else than a file below a folder.")
        for end in range(1, len(parts) + 1):
            path = unicodedata.normalize("NFC", "/".join(parts[:end])).casefold()
            leads_on = end < len(parts) or is_folder
            if path in self._kinds and not (leads_on and self._kinds[path]):
                raise ValueError(f"{name!r} twice, on some systems.")
            self._kinds[path] = leads_on
        return parts


def safe_parts(name: str) -> tuple[str, ...] | None:
    """Return the parts of a path that every system understands as one below a folder; None if it is none.

    Refused are absolute paths and drives, ``..``, what Windows reserves (devices, ``:`` and other characters, a dot or
    space at the end), control characters, and parts of more than 255 bytes.

    Example:
        >>> safe_parts("./train/1.jpg"), safe_parts("../1.jpg"), safe_parts("aux.jpg")
        (('train', '1.jpg'), None, None)
    """
    if name.startswith("/") or NOT_IN_NAMES.search(name):
        return None
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    unsafe = any(part.endswith((".", " ")) or WINDOWS_DEVICE.match(part) or len(part.encode()) > 255 for part in parts)
    return None if unsafe else parts
