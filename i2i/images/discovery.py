"""Finding images: the same files in the same order everywhere, and a word about everything that is left out."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from i2i.errors import MissingInputError, UsageError

SUFFIXES = frozenset(
    {".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"}
    | {".jpg", ".jxl", ".mpo", ".npy", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What an image file is called. Its content then decides what it is."""

JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"})
"""What operating systems and network drives leave in folders of photographs; so are names that begin with a dot."""


class Skipped(NamedTuple):
    """Something that was found and is not an image."""

    name: str
    reason: str
    """``junk``, ``no suffix``, or the suffix; of a folder, why it was passed over."""


@dataclass(frozen=True)
class Discovery:
    """What was found."""

    base: Path
    """Folder that names are relative to: the one source, or the nearest common parent of several."""
    names: list[str]
    """Paths of the images relative to `base`, with ``/`` between their parts; sorted, and all different."""
    skipped: list[Skipped]

    @property
    def files(self) -> list[Path]:
        """Return the images, in the order of their names."""
        return [self.base / name for name in self.names]


PassOver = Callable[[Path, Collection[str]], str]
"""Why a folder, in which these names lie, is none to take images from; nothing where it is one."""


def discover(
    roots: Sequence[Path], *, exclude: Path | None = None, pass_over: PassOver = lambda folder, names: ""
) -> Discovery:
    """Find image files, in folders at any depth.

    Links are followed, but a folder that has been visited is not visited again. Of a root that is a file the name does
    not matter. What cannot be opened (pipes, links to nothing, locked folders) counts as an image if it is called like
    one or is a folder, so that reading it says what is wrong. Nothing is opened here.

    Args:
        roots: Files and folders.
        exclude: A folder that is not entered: what is being written.
        pass_over: Says which folders below the roots are left out as a whole.

    Raises:
        MissingInputError: If a root is not there.
        UsageError: If the roots have no common parent.
    """
    roots = [Path(os.path.abspath(root)) for root in roots]
    for root in roots:
        if not os.path.lexists(root):
            raise MissingInputError(f"There is no {str(root)!r}. Give a file or a folder that is there.")
    base = common_parent(roots)
    walk = _Walk(base, exclude, pass_over)
    for root in roots:
        walk.root(root)
    skipped = sorted(walk.skipped, key=lambda skipped: os.fsencode(skipped.name))
    return Discovery(base, sorted(walk.names, key=os.fsencode), skipped)


def printable(name: str) -> str:
    r"""Spell a file name as text that any terminal and any parser takes, different for different names.

    Backslashes are doubled; bytes that are not UTF-8 become ``\xNN``, control characters ``\n``, ``\x1b`` and so on.
    """
    if name.isprintable() and "\\" not in name:
        return name
    text = os.fsencode(name.replace("\\", "\\\\")).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def without_suffix(name: str, suffixes: Collection[str] = SUFFIXES) -> str:
    """Return a path with ``/`` between its parts without its suffix, if it is one of these: ``photo.v2`` has none.

    Example:
        >>> without_suffix("a.b/c.d.PNG"), without_suffix("a.b/.png"), without_suffix("photo.v2")
        ('a.b/c.d', 'a.b/.png', 'photo.v2')
    """
    suffix = _suffix(name.rpartition("/")[2])
    return name.removesuffix(suffix) if suffix.lower() in suffixes else name


def common_parent(roots: Sequence[Path]) -> Path:
    """Return the one folder, or the nearest folder that holds them all.

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


def _suffix(file: str) -> str:
    """Return what follows the last dot of a name, with the dot; nothing where that is its first or last character."""
    stem, dot, end = file.rpartition(".")
    return dot + end if stem and end else ""


class _Walk:
    """One walk through all roots. What it finds is called by its path relative to the base, ``.`` for that itself."""

    def __init__(self, base: Path, exclude: Path | None, pass_over: PassOver) -> None:
        self._base = base
        self._pass_over = pass_over
        self._roots: set[str] = set()
        self.names: set[str] = set()
        self.skipped: set[Skipped] = set()
        self._visited = {_identity(exclude)} if exclude is not None and exclude.is_dir() else set()

    def root(self, root: Path) -> None:
        name = root.relative_to(self._base).as_posix()
        if root.is_dir():
            self._roots.add(name)
            self._folders(name)
        else:
            self.names.add(name)

    def _folders(self, root: str) -> None:
        # links to folders wait until the rest is done, so that a folder is met under its own name first
        waiting, links = [root], list[str]()
        while waiting or links:
            folder = waiting.pop() if waiting else links.pop(0)
            if (identity := _identity(self._base / folder)) in self._visited:
                continue
            self._visited.add(identity)
            below = self._enter(folder)
            waiting += sorted(name for name, is_link in below if not is_link)
            links = sorted([*links, *(name for name, is_link in below if is_link)], key=lambda name: name.split("/"))

    def _enter(self, folder: str) -> list[tuple[str, bool]]:
        """Take the files of a folder, or leave them out; returns the folders in it, and whether each is a link."""
        try:
            with os.scandir(self._base / folder) as listing:
                entries = list(listing)
        except OSError:
            self.names.add(folder)
            return []
        names = {entry.name for entry in entries}
        if folder not in self._roots and (reason := self._pass_over(self._base / folder, names)):
            self.skipped.add(Skipped(folder, reason))
            return []
        prefix, folders = "" if folder == "." else f"{folder}/", []
        for entry in entries:
            file, name = entry.name, f"{prefix}{entry.name}"
            if file.startswith(".") or file.lower() in JUNK:
                self.skipped.add(Skipped(name, "junk"))
            elif _is_folder(entry):
                folders.append((name, entry.is_symlink()))
            elif (suffix := _suffix(file).lower()) in SUFFIXES:
                self.names.add(name)
            else:
                self.skipped.add(Skipped(name, printable(suffix) or "no suffix"))
        return folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
