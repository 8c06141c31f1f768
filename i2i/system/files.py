"""Files that are whole or not there: a crash or a full disk never leaves a torn one and never costs the old one."""

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from i2i.errors import DiskFullError, OutputError, UsageError

TEMPORARY_PREFIX = ".i2i-tmp-"


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file: a hidden sibling that carries the process id, fsync, rename, fsync of the folder.

    Args:
        path: Where it goes; what was there before is replaced at one instant. Its folder must exist.
        data: All of its bytes. The file's mode follows the umask.
        durable: Whether a power cut must not undo it. If not, only a kill at any instant leaves the file whole or not
            there; `sync_files` then makes many files durable at the price of one.

    Raises:
        OutputError: If the disk is full or the folder cannot be written; what was there before is then untouched.
    """
    with _replacing(path, durable, len(data)) as temporary:
        _write(temporary, data, durable)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece, in its place when all is written; see `write_atomically`.

    Raises:
        OutputError: If the disk is full or the folder cannot be written; what was there before is then untouched.
    """
    with _replacing(path) as temporary, temporary.open("xb") as file:
        yield file
        _sync(file)


@contextmanager
def _replacing(path: Path, durable: bool = True, size: int = 0) -> Iterator[Path]:
    """A hidden sibling to write; it takes the file's place at the end, or goes if anything is raised."""
    # the name's own length may be the longest that the file system allows, so it is not part of the temporary one
    temporary = path.parent / _temporary_name()
    try:
        try:
            yield temporary
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise error if isinstance(error, OutputError) else cannot_write(path, error, size) from error


def _write(path: Path, data: bytes, durable: bool = True) -> None:
    file = path.open("xb")
    try:
        with file:
            file.write(data)
            if durable:
                _sync(file)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_files(folder: Path, files: Iterable[Path]) -> None:
    """Make files below a folder, and their names, survive a power cut.

    Raises:
        OutputError: If the system could not write them out.
    """
    try:
        if sys.platform == "linux":  # one call for the whole file system: as many as there are files would take longer
            _sync_file_system(folder)
            return
        paths = list(files)
        for path in paths:
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        for parent in {path.parent for path in paths}:
            sync_folder(parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _sync_file_system(folder: Path) -> None:
    import ctypes

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def replace_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a whole folder of files, in the place of the one that was there.

    No call swaps two folders on every system, so there is an instant at which the old one is hidden already and the new
    one still is; whatever is under the name is whole.

    Args:
        folder: Where it goes; its parents are made.
        files: Name and bytes of each file, taken one at a time; a name may lead into a folder.

    Raises:
        OutputError: If it cannot be written; what was there before is then untouched.
    """
    make_folder(folder.parent)
    new, old = (folder.parent / f"{_temporary_name()}-{age}" for age in ("new", "old"))
    size = 0
    try:
        new.mkdir()
        folders = {new}
        for name, data in files:
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            size += len(data)
            _write(file, data)
            folders.add(file.parent)
        for made in folders:
            sync_folder(made)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise error if isinstance(error, OutputError) else cannot_write(folder, error, size) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    if sys.platform == "win32":  # it has no handle to flush for a folder; NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_name() -> str:
    return f"{TEMPORARY_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"


def sha256_of(path: Path) -> str:
    """Checksum of a file's bytes, which are never in memory together."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing.

    Raises:
        OutputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def sweep(root: Path) -> None:
    """Remove what interrupted writers left anywhere under a folder. For the holder of the folder's `lock` only."""
    for folder, folders, names in os.walk(root):
        for name in names:
            if name.startswith(TEMPORARY_PREFIX):
                Path(folder, name).unlink(missing_ok=True)
        for name in [name for name in folders if name.startswith(TEMPORARY_PREFIX)]:
            folders.remove(name)
            shutil.rmtree(Path(folder, name), ignore_errors=True)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, which the system frees when the process ends in whatever way; its children do not hold it.

    Raises:
        UsageError: If another process holds it; the message has that process's id.
        OutputError: If the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    _held.add(descriptor)
    try:
        try:
            _acquire(descriptor)
        except OSError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise UsageError(
                f"Process {holder} is at work in {str(path.parent)!r}. Wait for it, or give another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        if descriptor in _held:  # else this is a forked child, which has closed it
            _held.remove(descriptor)
            os.close(descriptor)


_held: set[int] = set()
"""Descriptors of the lock files that this process has open."""


if sys.platform == "win32":
    import msvcrt

    def _acquire(descriptor: int) -> None:
        # far beyond the process id, because a locked range cannot be read on this system
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _let_go() -> None:
        while _held:
            os.close(_held.pop())

    # a lock is free when the last copy of its descriptor is closed, and a forked child has one, which may outlive us
    os.register_at_fork(after_in_child=_let_go)


def cannot_write(path: Path, error: OSError, needed: int = 0) -> OutputError:
    """The one line to raise when writing to a path failed.

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
