"""Archives whose members go below one folder and nowhere else."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from i2i.errors import I2iError
from i2i.net.errors import ArchiveError
from i2i.net.names import Names
from i2i.system.files import cannot_write, make_folder

CHUNK = 2**20
MAX_HEADER = 2**20
"""Longest part of a tar archive that is read at once: of a header, bytes."""
SMALL = 2**24
"""An archive that holds fewer bytes may have any ratio."""
COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""How to open a compressed file, by its first bytes."""
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
)

Progress = Callable[[int, int | None], None]
"""Called with how many members are out, and how many there are where that is known."""


class Limits(NamedTuple):
    """How much an archive may hold."""

    bytes: int = 64 * 2**30
    members: int = 500_000
    ratio: float = 200.0
    """Most bytes that come out of one byte of the archive."""


LIMITS = Limits()


class _Member(NamedTuple):
    name: str
    size: int
    is_folder: bool
    open: Callable[[], IO[bytes]]


def extract(archive: Path, folder: Path, *, limits: Limits = LIMITS, on_progress: Progress | None = None) -> list[Path]:
    """Write the files of a zip or tar archive, compressed or not, below a folder.

    Every name must be one under the rules of POSIX and of Windows alike, and no two may be one where case does not
    count. Links and devices are refused. Modes, owners and times are not taken over.

    Args:
        archive: The archive; its content decides what it is.
        folder: Where its members go. What is in it stays, a file of the same name excepted.
        limits: How much it may hold; what is claimed and what comes out are both measured.
        on_progress: Told how it goes.

    Returns:
        The files, in the order of the archive.

    Raises:
        ArchiveError: If it is damaged, holds too much, or a member that may not be written. Files that came before
            that member are there.
        OutputError: If something cannot be written, or the disk is full.
    """
    left = min(limits.bytes, max(SMALL, int(limits.ratio * archive.stat().st_size)))
    files: list[Path] = []
    names = Names()
    with _opened(archive) as (members, total):
        for count, member in enumerate(members, 1):
            if count > limits.members:
                raise ArchiveError(f"{archive.name!r} holds more than the {limits.members} files that are allowed.")
            try:
                place = folder.joinpath(*names.take(member.name, is_folder=member.is_folder))
            except ValueError as error:
                raise ArchiveError(f"{archive.name!r} holds {error} Refused.") from None
            if member.is_folder:
                make_folder(place)
                continue
            left -= member.size
            if left < 0:
                raise ArchiveError(f"{archive.name!r} holds more than is allowed; it may be a bomb. Refused.")
            make_folder(place.parent)
            if not place.parent.resolve().is_relative_to(folder.resolve()):
                raise ArchiveError(f"{str(place.parent)!r} is a link out of {str(folder)!r}. Remove it.")
            _write(member, place)
            files.append(place)
            if on_progress:
                on_progress(count, total)
    return files


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[Iterator[_Member], int | None]]:
    """The members of an archive, and how many there are where that is known."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as whole:
                yield _zipped(whole, archive), len(whole.infolist())
        else:
            with _uncompressed(archive) as stream, _ShortReads(stream) as read:
                with tarfile.open(fileobj=read, mode="r:") as tar:
                    yield _tarred(tar, archive), None
                if read.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any end between two members for the end
                    raise tarfile.ReadError("it is cut off")
                _read_rest(stream)
    except I2iError:
        raise
    except NotImplementedError as error:  # zipfile's word for a whole archive in a newer or rarer way to pack
        raise ArchiveError(
            f"{archive.name!r} is packed in a way that is not known here: {error}. "
            "Take it as .tar.gz, or unpack it with another program."
        ) from error
    except DAMAGE as error:
        raise ArchiveError(f"{archive.name!r} is damaged, or no archive: {error}. Fetch it again.") from error


def _zipped(whole: zipfile.ZipFile, archive: Path) -> Iterator[_Member]:
    for info in whole.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & 1:
            raise ArchiveError(f"{archive.name!r} holds {info.filename!r}, a link or an encrypted file. Refused.")
        name = info.orig_filename
        # not `info.is_dir`, which fails on an empty name
        yield _Member(name, info.file_size, name.endswith("/"), lambda info=info: whole.open(info))  # type: ignore[misc]


def _tarred(tar: tarfile.TarFile, archive: Path) -> Iterator[_Member]:
    for info in tar:
        if not (info.isreg() or info.isdir()):
            raise ArchiveError(f"{archive.name!r} holds {info.name!r}, a link or a device. Refused.")
        yield _Member(info.name, info.size, info.isdir(), lambda info=info: _content(tar, info))  # type: ignore[misc]


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info)
    if content is None:
        raise tarfile.ReadError(f"{info.name!r} has no content")
    return content


def _uncompressed(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        start = file.read(6)
    for magic, opener in COMPRESSIONS.items():
        if start.startswith(magic):
            return cast(IO[bytes], opener(archive))
    return archive.open("rb")


def _read_rest(stream: IO[bytes]) -> None:
    """Read what is behind the last member: the checksum of what was decompressed is there."""
    for _ in range(SMALL // CHUNK):
        if not stream.read(CHUNK):
            return
    raise tarfile.ReadError("it goes on behind its end")


class _ShortReads(io.RawIOBase):
    """A stream that tarfile may not read a large part of at once: it would read a header of any length to memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""
        """What was read last: behind the last member, a block of zeros."""

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError("a header is too long")
        self.last = self._stream.read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _write(member: _Member, place: Path) -> None:
    left = member.size
    with member.open() as content, _created(place) as file:
        while data := content.read(CHUNK):
            left -= len(data)
            if left < 0:
                raise ArchiveError(f"{member.name!r} holds more than its archive says. Refused.")
            try:
                file.write(data)
            except OSError as error:
                raise cannot_write(place, error, len(data)) from error
    if left:
        raise ArchiveError(f"{member.name!r} holds less than its archive says. Fetch the archive again.")


def _created(place: Path) -> IO[bytes]:
    try:
        place.unlink(missing_ok=True)  # never written through a link that was there before
        return place.open("xb")
    except OSError as error:
        raise cannot_write(place, error) from error
