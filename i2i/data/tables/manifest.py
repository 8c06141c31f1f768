"""Lists of files as they lie in a dataset, and their rows as a table.

A list that is there decides what the pairs are. One that cannot be used is an error, unless another layout is said.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from i2i.data.tables.folders import FileTable, folders_in, names_of
from i2i.data.tables.lists import FileList, Line, is_list, stands_for_folder
from i2i.data.tables.names import SPLIT, among, names_split, refuse_hidden_splits, split_column
from i2i.data.tables.table import Problem, Splits
from i2i.errors import DataError
from i2i.images import printable
from i2i.images.discovery import SUFFIXES, without_suffix
from i2i.places import is_url
from i2i.splits import SPLIT_NAMES, our_name

DATA = "data"
"""Folder that sets of the Hub keep their files in."""
INSTEAD = "Or move it away, or say how pairs are stored without it: --set dataset.layout=folders, twofolders or ab."


class ListTable(FileTable):
    """The rows of a split in a list, as `read_rows` finds them.

    Args:
        listed: The list.
        split: The split.
        table: See `FileTable`.
    """

    def __init__(self, listed: FileList, split: str, *table: Any) -> None:
        super().__init__(*table)
        self._list, self._split, self._keys_of_images = listed, split, listed.columns(self.columns)
        self.unread = [column for column in self._keys_of_images if column not in self.columns]
        """Columns of images that are not among the table's."""

    def annotations(self) -> Iterator[Mapping[str, Any]]:
        """Read the list again: what else it says of each row of a table without problems, neither files nor split."""
        for line in self._list.lines_of(self._split):
            hidden = {*self._keys_of_images.values(), split_column(tuple(line.values))}
            yield {key: value for key, value in line.values.items() if key not in hidden}


def find_manifest(root: str, columns: Sequence[str]) -> Splits:
    """Find the splits of lists of pairs, here or in the folder `DATA`.

    Raises:
        DataError: If there are several of the same images, or one cannot be used.
    """
    lists = find_lists(root)
    if not os.path.isfile(root) and not columns and are_single_images(lists):
        return {}
    for listed in lists:
        if said := listed.flaw(columns):
            instead = "" if os.path.isfile(root) else f" {INSTEAD}"
            raise DataError(f"{listed.file} cannot be used as a list of pairs. {said}{instead}")
    return {split: partial(open_list, listed, split, columns) for listed in lists for split in listed.splits()}


def open_list(listed: FileList, split: str, columns: Sequence[str]) -> ListTable:
    """Make a table of the rows of a split whose files are all there.

    Args:
        listed: The list.
        split: The split.
        columns: Those that every row must have; when empty, the pair that is found, or all.

    Raises:
        DataError: If the list cannot be read, does not have the columns, or rather holds several splits.
    """
    if said := listed.flaw(columns):
        raise DataError(f"{listed.file} cannot be used as a list of pairs. {said}")
    keys = listed.columns(columns)
    return read_rows(listed, split, {column: keys[column] for column in among(list(keys), columns) or keys})


def read_rows(listed: FileList, split: str, keys: Mapping[str, str]) -> ListTable:
    """Make a table of the rows of a split, by column and key of its paths; raises what `open_list` does."""
    reader = _Reader(listed.file, keys)
    for line in listed.lines_of(split):
        reader.add(line)
    columns, folder = list(keys), str(listed.file.parent)
    files = [tuple(os.path.join(folder, path) for path in row) for row in reader.paths]
    if not listed.split and not listed.says_splits:
        refuse_hidden_splits(str(listed.file), reader.hints or {}, "train")
        _refuse_folders_of_splits(listed.file, [row[0] for row in files])
    layout = f"manifest {listed.file.name}, columns {' and '.join(columns)}"
    if listed.split and (unlisted := reader.unlisted()):
        layout += f"; images beside them that are not in the list: {unlisted}"
    # a pair is called by what is in the folder of its column: `7` where the column imageA has imageA/7.png
    first = [row[0].removeprefix(f"{columns[0]}/") for row in reader.paths]
    # the names of rows that share an image tell how many there are, so a share is drawn by the path alone
    drawn_by = [printable(without_suffix(path)) for path in first]
    return ListTable(listed, split, layout, _distinct(names_of(first)), columns, files, reader.problems, drawn_by)


def find_lists(root: str) -> list[FileList]:
    """Find the lists that say what the pairs are: ``root`` itself, or those in it or in its folder `DATA`.

    Raises:
        DataError: If there are several, of which only one would be used.
    """
    if os.path.isfile(root):
        return [FileList(Path(root))] if is_list(root) else []
    found = [*_lists_in(root), *_lists_in(os.path.join(root, DATA))]
    counts = Counter(listed.split for listed in found)
    if len(found) > 1 and (rivals := [one.file for one in found if counts[""] or counts[one.split] > 1]):
        raise DataError(
            f"{rivals[0]} and {rivals[1]} are lists of the same images. Move one away, or give the one that is meant "
            "as the data."
        )
    return found


def are_single_images(lists: Sequence[FileList]) -> bool:
    """Check whether lists name one image a row: none of pairs, but perhaps of A|B files."""
    return bool(lists) and all(len(listed.images) == 1 for listed in lists)


def _lists_in(folder: str) -> Iterator[FileList]:
    """Yield lists of all splits (``metadata.csv``), of one (``train.csv``), or in the folder of one."""
    names = _files_in(folder)
    yield from (FileList(Path(folder, name)) for name in names if stands_for_folder(name))
    for name in names:
        if is_list(name) and our_name(split := os.path.splitext(name)[0]) in SPLIT_NAMES:
            yield FileList(Path(folder, name), split)
    for split in folders_in(folder):
        below = _files_in(os.path.join(folder, split)) if split != DATA else []
        yield from (FileList(Path(folder, split, name), split) for name in below if stands_for_folder(name))


def _files_in(folder: str) -> list[str]:
    """Return the files in a folder, sorted, without hidden ones; none where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] not in "._" and entry.is_file())
    except OSError:  # `folders_in` says what is wrong, where it matters
        return []


def _refuse_folders_of_splits(file: Path, images: Sequence[str]) -> None:
    """Stop at a list of all splits without a column for them, where its files' folders say them.

    Raises:
        DataError: If that is so.
    """
    inside = [path for path in map(Path, set(map(os.path.dirname, images))) if path.is_relative_to(file.parent)]
    tops = {top for path in inside for top in path.relative_to(file.parent).parts[:1]}
    folders = {top for top in tops if our_name(top) in SPLIT_NAMES}
    if len(set(map(our_name, folders))) > 1:
        there = " and ".join(sorted(folders))
        raise DataError(f"{file} has no column {SPLIT!r}, and lists files in {there}. Add the column.")


class _Reader:
    """Collects rows, and what is wrong with others."""

    def __init__(self, file: Path, keys: Mapping[str, str]) -> None:
        self.file, self.keys = file, keys
        self.paths: list[tuple[str, ...]] = []
        self.problems: list[Problem] = []
        self.hints: dict[str, set[str]] | None = None
        """Column -> its different values, of columns that have nothing but names of splits."""
        self._there: dict[str, dict[str, bool]] = {}
        """Folder, relative to the list -> what is in it, and whether that is a folder."""

    def add(self, line: Line) -> None:
        """Take a row, or note its problem."""
        if self.hints != {} and line.values:
            self._note(line.values)
        paths = [_plain(line.values.get(key)) for key in self.keys.values()]
        problem = line.problem or next(filter(None, map(self._problem, self.keys.values(), paths)), "")
        if problem:
            reason = "missing-file" if problem.startswith("there is no") else "bad-row"
            self.problems.append(Problem(line.place, reason, f"{self.file}, {line.place}: {problem}"))
        else:
            self.paths.append(tuple(map(str, paths)))

    def unlisted(self) -> int:
        """Return how many images lie in the folders of the files, and are not among them."""
        listed = Counter(os.path.split(path)[0] for path in {path for row in self.paths for path in row})
        return sum(max(0, sum(map(_is_image, names.items())) - listed[folder]) for folder, names in self._there.items())

    def _note(self, values: Mapping[str, Any]) -> None:
        """Keep those columns that have held nothing else yet."""
        before: Mapping[str, set[str]] = {key: set() for key in values} if self.hints is None else self.hints
        self.hints = {key: {*said, values[key]} for key, said in before.items() if names_split(values.get(key))}

    def _problem(self, key: str, path: object) -> str:
        if not isinstance(path, str) or not path:
            return f"{key!r} is no path. Give one, or delete the line."
        if "://" in path and is_url(path):
            return f"{printable(path)!r} is an address. Download the file, and give its path."
        if os.pardir in path and not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == os.pardir:
            return f"{printable(path)!r} leads out of the manifest's folder. Write an absolute path if that is meant."
        folder, name = os.path.split(path)
        try:
            # each folder is listed once: asking for every file is slow on network drives
            is_folder = self._names_in(folder).get(name)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return f"{printable(path)!r} cannot be looked up: {reason.lower()}. Correct the path."
        if is_folder is None:
            return f"there is no {printable(path)!r}. Correct the path, or delete the line."
        return f"{printable(path)!r} is a folder. Give the path of a file." if is_folder else ""

    def _names_in(self, folder: str) -> Mapping[str, bool]:
        if folder not in self._there:
            try:
                with os.scandir(os.path.join(self.file.parent, folder)) as entries:
                    self._there[folder] = {entry.name: entry.is_dir() for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                self._there[folder] = {}
        return self._there[folder]


def _is_image(entry: tuple[str, bool]) -> bool:
    name, is_folder = entry
    return not is_folder and name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES


def _plain(path: object) -> object:
    """Return a path without blanks around it, nor ``./`` and ``//`` in it."""
    if not isinstance(path, str):
        return path
    path = path.strip()
    odd = path.startswith(".") or "/." in path or ("//" in path and not is_url(path))
    return PurePosixPath(path).as_posix() if odd else path


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, with the row's number behind those that several rows share."""
    counts: Mapping[str, int] = Counter(names)
    return [name if counts[name] == 1 else f"{name} #{row}" for row, name in enumerate(names)]
