"""Files that are whole or not there: a crash or a full disk never leaves a torn one and never costs the old one."""

import errno
import hashlib
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from i2i.errors import DiskFullError, OutputError, UsageError

TEMPORARY_PREFIX = ".i2i-tmp-"
WINDOWS_DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?= *(\.|$))", re.IGNORECASE)
"""Names that Windows takes for a device, whatever comes behind the dot."""
NOT_IN_NAMES = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f\ud800-\udfff]')
"""What some system refuses in a path with ``/`` between its parts: Windows most, others half a surrogate pair."""


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file: a hidden sibling, fsync, rename, fsync of the folder.

    Args:
        path: Where it goes; what was there before is replaced at one instant. Its folder must exist.
        data: All of its bytes. The file's mode follows the umask.
        durable: Whether a power cut must not undo it. If not, only a kill at any instant leaves the file whole or not
            there; `sync_files` then makes many files durable at the price of one.

    Raises:
        OutputError: If the disk is full or the folder cannot be written; what was there before is then untouched.
    """
    with atomic_file(path, durable=durable, size=len(data)) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path, *, durable: bool = True, size: int = 0) -> Iterator[BinaryIO]:
    """Open a file to write piece by piece, in its place when all is written; see `write_atomically`.

    Raises:
        OutputError: If the disk is full or the folder cannot be written; what was there before is then untouched.
    """
    # the name's own length may be the longest that the file system allows, so it is not part of the temporary one
    temporary = path.parent / temporary_name()
    try:
        try:
            with temporary.open("xb") as file:
                yield file
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise error if isinstance(error, OutputError) else cannot_write(path, error, size) from error


def sync_files(folder: Path, files: Iterable[Path]) -> None:
    """Make files below a folder, and their names, survive a power cut.

    Raises:
        OutputError: If the system could not write them out.
    """
    try:
        if sys.platform == "linux":  # one call for the whole file system: as many as there are files would take longer
            import ctypes

            descriptor = os.open(folder, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
                    raise OSError(number := ctypes.get_errno(), os.strerror(number))
            finally:
                os.close(descriptor)
            return
        paths = list(files)
        for path in paths:
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        for parent in {path.parent for path in paths}:
            sync_folder(parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    if sys.platform == "win32":  # it has no handle to flush for a folder; NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name() -> str:
    """Return a name that `sweep` knows for what was half written."""
    return f"{TEMPORARY_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"


def sha256_of(path: Path) -> str:
    """Return the checksum of a file's bytes, which are never in memory together."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_cache(*parts: str) -> Path:
    """Return a path below the user's folder of what may be deleted (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "i2i", *parts)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing.

    Raises:
        OutputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def sweep(root: Path, *, below: bool = True) -> None:
    """Remove what interrupted writers left in a folder, and in those below. For the holder of its `lock` only."""
    for folder, folders, names in os.walk(root):
        for name in names:
            if name.startswith(TEMPORARY_PREFIX):
                Path(folder, name).unlink(missing_ok=True)
        for name in [name for name in folders if name.startswith(TEMPORARY_PREFIX)]:
            folders.remove(name)
            shutil.rmtree(Path(folder, name), ignore_errors=True)
        if not below:
            break


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, which the system frees when the process ends in whatever way; its children do not hold it.

    Raises:
        UsageError: If another process holds it; the message has its id, its machine and since when it does.
        OutputError: If the file cannot be made.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path, blocking=False, on_acquired=_sign)
    try:
        held.acquire()
    except Timeout:
        raise UsageError(f"{_holder(path)}. Wait for it, or give another folder.") from None
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield
    finally:
        held.release()


def _sign(descriptor: int) -> None:
    """Write into a lock file who holds it, in its second line: Windows locks the first byte for readers too."""
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"\n{os.getpid()} is at work in {{}} (on {socket.gethostname()}, since {now})".encode())


def _holder(path: Path) -> str:
    """Say who holds a lock file, as far as it can be read."""
    try:
        with path.open("rb") as file:
            file.seek(1)
            who = file.read(400).decode()
    except (OSError, ValueError):
        who = ""
    place = repr(str(path.parent))
    # it may be being written
    return f"Process {who.replace('{}', place)}" if "{}" in who else f"Another process is at work in {place}"


def cannot_write(path: Path, error: OSError, needed: int = 0) -> OutputError:
    """Return the one line to raise when writing to a path failed.

    Args:
        path: What was to be written.
        error: What the system said.
        needed: Bytes that are known to be needed. They are compared with what is free now, so what was written of them
            must be gone.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(path.parent).free
        lack = f"needs {needed} bytes or more, {free} are free" if needed else "takes no more"
        return DiskFullError(f"{str(path)!r} {lack}")
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"Cannot write {str(path)!r}: {reason}. Choose a folder that you may write to.")
