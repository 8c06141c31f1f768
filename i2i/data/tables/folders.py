"""Files in folders of columns: ``train/imageA/NAME``, or two folders a split, such as ``trainA/NAME``; and their table.

``A/NAME`` and ``B/NAME`` alone are ``train``, and so are folders in them of which none is called like a split.
"""

import os
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from i2i.data.tables.lists import stands_for_folder
from i2i.data.tables.names import PAIRS, among
from i2i.data.tables.table import Problem, Splits, Table
from i2i.errors import DataError, suggest
from i2i.images import Header, discover, printable, probe, read_bytes
from i2i.images.discovery import JUNK, without_suffix
from i2i.partners import expression, propose
from i2i.splits import SPLIT_NAMES, our_name

SUGGESTIONS = 20
"""So many lonely files are compared with all others; of thousands, nobody reads more."""
SEPARATORS = "_-. "
"""Between a split and a column, as in ``train_A``."""


class FileTable(Table):
    """A table of files.

    Args:
        layout: See `Table`.
        names: See `Table`.
        columns: See `Table`.
        files: A row's files, in the order of the columns.
        problems: See `Table`.
        keys: See `Table.keys`; the names when not given.
    """

    def __init__(
        self,
        layout: str,
        names: Sequence[str],
        columns: Sequence[str],
        files: Sequence[Sequence[str]],
        problems: Sequence[Problem] = (),
        keys: Sequence[str] = (),
    ) -> None:
        super().__init__(layout, names, columns, problems)
        self.files = files
        self._keys = keys

    def file(self, row: int, column: str) -> Path:
        """Return where an image is."""
        return Path(self.files[row][self.columns.index(column)])

    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the file."""
        return read_bytes(self.file(row, column))

    def where(self, row: int, column: str) -> str:
        """Return the file, as errors call it."""
        return repr(str(self.file(row, column)))

    def header(self, row: int, column: str) -> Header:
        """Read the header alone."""
        return probe(self.file(row, column))


def find_folders(root: str, columns: Sequence[str]) -> Splits:
    """Find folders that hold one of each named column, or a pair of known names."""
    return {split: partial(match, Path(root, split), sides) for split, sides in _inside(root, columns).items()}


def find_two_folders(root: str, columns: Sequence[str]) -> Splits:
    """Find splits that have a folder for each column: ``trainA``, ``train_A``, ``A/train``; or just ``A``."""
    return {split: partial(match, Path(root), sides) for split, sides in _beside(root, columns).items()}


def find_unpaired(root: str) -> dict[str, dict[str, FileTable]]:
    """Find the splits of two folders each, and open each folder for itself: split -> column -> its images."""
    return {
        split: {column: _alone(Path(root), column, folder) for column, folder in sides.items()}
        for split, sides in (_inside(root, ()) or _beside(root, ())).items()
    }


def _alone(base: Path, column: str, folder: Path) -> FileTable:
    paths = _images_of(folder)
    layout = f"unpaired, {folder.relative_to(base).as_posix()}"
    return FileTable(layout, names_of(paths), [column], [(os.path.join(os.path.abspath(folder), p),) for p in paths])


def _inside(root: str, columns: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Return split -> column -> folder, of folders that hold one of each column."""
    found = {name: among(folders_in(Path(root, name)), columns) for name in folders_in(root)}
    return {split: {side: Path(root, split, side) for side in sides} for split, sides in found.items() if sides}


def _beside(root: str, columns: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Return split -> column -> folder, of splits that have a folder for each column."""
    base, sides = Path(root), among(folders_in(root), columns)
    joined = _called_by_both(root, columns)
    found = {split: {side: base / side / split for side in sides} for split in _below(root, sides)}
    if not joined and not found and sides and all(discover([base / side]).names for side in sides):
        found = {"train": {side: base / side for side in sides}}
    return {**found, **joined}


def refuse_leftovers(root: str, columns: Sequence[str]) -> None:
    """Stop at images beside the folders of splits, in ``A`` or ``B``.

    Raises:
        DataError: If there are any.
    """
    sides = among(folders_in(root), columns)
    below = _below(root, sides)
    for side in sides if below else ():
        for name in discover([Path(root, side)]).names:
            if name.split("/")[0] not in below:
                there = " and ".join(below)
                raise DataError(
                    f"{Path(root, side, name)} lies in no folder of a split, as the images in {there} do. Move it into "
                    "one, or away."
                )


def folders_in(folder: str | os.PathLike[str]) -> list[str]:
    """Return the folders in a folder, sorted, without those that systems hide or leave; none where there is none.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"{os.fspath(folder)} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    return sorted(name for name in names if not name.startswith(".") and name.lower() not in JUNK)


def match(base: Path, folders: Mapping[str, Path], partners: str = "") -> FileTable:
    """Make a row of the files of each name, which is the path in the folder without suffix.

    Args:
        base: What messages begin with.
        folders: The folder of each column.
        partners: Expression whose first group files of one row share, instead of their whole name.

    Raises:
        UsageError: If the expression is none, or has no group.
        DataError: If a folder holds a list, which would be passed over.
    """
    problems: list[Problem] = []
    pattern = expression(partners, "dataset.match") if partners else None
    walks = {column: _images_of(folder) for column, folder in folders.items()}
    found = {column: _by_key(folders[column], paths, pattern, problems) for column, paths in walks.items()}
    doubled = {problem.name for problem in problems}
    every = set.intersection(*(set(files) for files in found.values())) - doubled
    lonely = list(_lonely(base, folders, found, every | doubled))
    stems = [[_stem(path) for path in paths] for paths in walks.values()]
    if lonely and not partners and (proposal := propose(stems)):
        message = f"{lonely[0].message} All have one with --set {shlex.quote(f'dataset.match={proposal}')}."
        lonely[0] = lonely[0]._replace(message=message)
    rows = sorted(every)
    paths = [tuple(files[name] for files in found.values()) for name in rows]
    labels = " and ".join(folder.relative_to(base).as_posix() for folder in folders.values())
    return FileTable(f"folders {labels}", [printable(row) for row in rows], list(folders), paths, [*problems, *lonely])


def _called_by_both(root: str, columns: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Return split -> column -> folder, of folders called by split and column: ``trainA``, ``train_label``."""
    there, found = set(folders_in(root)), dict[str, dict[str, Path]]()
    for sides in [tuple(columns)] if columns else PAIRS:
        for begin in (name.removesuffix(sides[0]) for name in sorted(there) if name.endswith(sides[0])):
            split, names = begin.rstrip(SEPARATORS), tuple(begin + side for side in sides)
            apart = begin != split or sides == ("A", "B")
            if not (split and apart and there.issuperset(names)) or names in PAIRS:
                continue
            folders = {side: Path(root, name) for side, name in zip(sides, names, strict=True)}
            if (other := found.setdefault(split, folders)) != folders:
                both = " and ".join(path.name for path in (*other.values(), *folders.values()))
                raise DataError(f"{root} has the split {split!r} twice: {both}. Join or rename them.")
    return found


def _below(root: str, sides: Sequence[str]) -> list[str]:
    """Return folders that all sides have; none where no name is a split's, since they are something else."""
    shared = sorted(set.intersection(*(set(folders_in(Path(root, side))) for side in sides))) if sides else []
    return shared if any(our_name(name) in SPLIT_NAMES for name in shared) else []


def _images_of(folder: Path) -> list[str]:
    """Return the images of a column, relative to its folder.

    Raises:
        DataError: If there is a list among them.
    """
    found = discover([folder])
    if listed := next((name for name, _ in found.skipped if stands_for_folder(PurePosixPath(name).name)), None):
        raise DataError(
            f"{folder / listed} is a list in the folder of a column, which is not read. Put one that names all images "
            "of each pair above it, or move it away."
        )
    return found.names


def _by_key(
    folder: Path, paths: Sequence[str], pattern: re.Pattern[str] | None, problems: list[Problem]
) -> dict[str, str]:
    """Return files by what partners share; of a key that is there twice, the first, and a problem."""
    files, base = dict[str, str](), os.path.abspath(folder)
    for path in paths:
        key, file = _stem(path), os.path.join(base, path)
        if pattern is not None:
            found = pattern.search(key)
            key = (found[1] or "") if found else ""
        if not key:
            message = f"{folder}: {printable(path)!r} does not match dataset.match, so that its partner is not known."
            problems.append(Problem(printable(path), "no-match", message))
        elif (first := files.setdefault(key, file)) != file:
            both = " and ".join(repr(printable(os.path.basename(twin))) for twin in (first, file))
            message = f"{folder}: {both} have the same name. Rename one."
            problems.append(Problem(key, "same-name", message))
    return files


def _stem(path: str) -> str:
    """Return a path without its suffix, composed: macOS and Linux spell letters with accents differently."""
    return unicodedata.normalize("NFC", without_suffix(path))


def _lonely(
    base: Path, folders: Mapping[str, Path], found: Mapping[str, Mapping[str, str]], told: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each name that is not in every folder, unless it is told already."""
    seen = set[str](told)
    for files in found.values():
        for name in sorted(files.keys() - seen):
            column = next(column for column in found if name not in found[column])
            others = sorted(found[column].keys() - set(told)) if len(seen) - len(told) < SUGGESTIONS else []
            label = os.path.relpath(folders[column], base)
            message = f"{base}: {printable(name)!r} has no partner in {label}.{suggest(name, others)}"
            yield Problem(printable(name), "no-partner", message)
            seen.add(name)


def names_of(paths: Sequence[str]) -> list[str]:
    """Return a printable name for each path, different for different paths: without suffix where that will do."""
    counts = Counter(map(without_suffix, set(paths)))
    return [printable(stem if counts[stem := without_suffix(path)] == 1 else path) for path in paths]
