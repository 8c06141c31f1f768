"""Finding images: the same files in the same order everywhere, and a word about everything that is left out."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from i2i.errors import MissingInputError, UsageError

SUFFIXES = frozenset(
    {
        ".apng",
        ".avif",
        ".bmp",
        ".dib",
        ".gif",
        ".heic",
        ".heif",
        ".hif",
        ".j2k",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
    }
    | {".jxl", ".mpo", ".npy", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What an image file is called. Its content then decides what it is."""

JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"})
"""What operating systems and network drives leave in folders of photographs; so are names that begin with a dot."""


class Skipped(NamedTuple):
    """Something that was found and is not an image."""

    name: str
    reason: str
    """``junk``, ``no suffix``, or the suffix."""


@dataclass(frozen=True)
class Discovery:
    """What was found."""

    base: Path
    """Folder that names are relative to: the one source, or the nearest common parent of several."""
    files: list[Path]
    """In the order of their names."""
    skipped: list[Skipped]

    def name_of(self, file: Path) -> str:
        """Path relative to `base`, with ``/`` between its parts; no two files share one."""
        return _name(file, self.base)


def discover(roots: Sequence[Path], *, exclude: Path | None = None) -> Discovery:
    """Image files, and folders of them at any depth.

    Links are followed, but a folder that has been visited is not visited again. Of a root that is a file the name does
    not matter. What cannot be opened (pipes, links to nothing, locked folders) counts as an image if it is called like
    one or is a folder, so that reading it says what is wrong. Nothing is opened here.

    Args:
        roots: Files and folders.
        exclude: A folder that is not entered: what is being written.

    Raises:
        MissingInputError: If a root is not there.
        UsageError: If the roots have no common parent.
    """
    roots = [Path(os.path.abspath(root)) for root in roots]
    for root in roots:
        if not os.path.lexists(root):
            raise MissingInputError(f"There is no {str(root)!r}. Give a file or a folder that is there.")
    base = common_parent(roots)
    walk = _Walk(base, exclude)
    for root in roots:
        walk.root(root)
    files = sorted(walk.files, key=lambda file: os.fsencode(_name(file, base)))
    return Discovery(base, files, sorted(walk.skipped, key=lambda skipped: os.fsencode(skipped.name)))


def printable(name: str) -> str:
    r"""A file name as text that any terminal and any parser takes, different for different names.

    Backslashes are doubled; bytes that are not UTF-8 become ``\xNN``, control characters ``\n``, ``\x1b`` and so on.
    """
    text = os.fsencode(name.replace("\\", "\\\\")).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def common_parent(roots: Sequence[Path]) -> Path:
    """The one folder, or the nearest folder that holds them all.

    Args:
        roots: Files and folders, absolute.

    Raises:
        UsageError: If they are on different drives.
    """
    folders = [str(root if root.is_dir() else root.parent) for root in roots]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        raise UsageError("The sources are on different drives. Give those of one drive at a time.") from None


def _name(file: Path, base: Path) -> str:
    return file.relative_to(base).as_posix()


class _Walk:
    """One walk through all roots."""

    def __init__(self, base: Path, exclude: Path | None) -> None:
        self.base = base
        self.files: set[Path] = set()
        self.skipped: set[Skipped] = set()
        self._visited = {_identity(exclude)} if exclude is not None and exclude.is_dir() else set()

    def root(self, root: Path) -> None:
        if root.is_dir():
            self._folders(root)
        else:
            self.files.add(root)

    def _folders(self, root: Path) -> None:
        # links to folders wait until the rest is done, so that a folder is met under its own name first
        waiting: list[Path] = [root]
        links: list[Path] = []
        while waiting or links:
            folder = waiting.pop() if waiting else links.pop(0)
            if (identity := _identity(folder)) in self._visited:
                continue
            self._visited.add(identity)
            for path, kind in self._entries(folder):
                (waiting if kind == "folder" else links).append(path)
            links.sort()

    def _entries(self, folder: Path) -> Iterator[tuple[Path, str]]:
        """Folders below a folder, links to folders apart; files are taken or left out on the way."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError:
            self.files.add(folder)
            return
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name.lower() in JUNK:
                self._skip(path, "junk")
            elif _is_folder(entry):
                yield path, "link" if entry.is_symlink() else "folder"
            elif path.suffix.lower() in SUFFIXES:
                self.files.add(path)
            else:
                self._skip(path, printable(path.suffix.lower()) or "no suffix")

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped.add(Skipped(_name(path, self.base), reason))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
