"""Lists of files, JSON, CSV or Parquet: columns of paths beside the list, and perhaps a column ``split``.

A list that is there decides what the pairs are. One that cannot be used is an error, unless another layout is said.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from i2i.data.tables.files import folders_in
from i2i.data.tables.listed import ListTable, divided, read_table
from i2i.data.tables.lists import Line, columns_of, images_of, is_list, lines_of, stands_for_folder
from i2i.data.tables.names import SPLIT, among, refuse_hidden_splits, split_column
from i2i.errors import DataError
from i2i.images import printable
from i2i.splits import SPLIT_NAMES, our_name

DATA = "data"
"""Folder that sets of the Hub keep their files in."""
ALL = ""
"""Stands for all splits, where one list has them all."""
INSTEAD = (
    "Correct it, move it away, or say how pairs are stored without it: --set dataset.layout=folders, twofolders or ab."
)


def splits(root: str, columns: Sequence[str]) -> list[str]:
    """Those of the column ``split``, or those with a list of their own, here or in the folder `DATA`; see `Layout`."""
    found = find_lists(root)
    if not os.path.isfile(root) and single_images(root) and not columns:
        return []
    for file in found.values():
        if said := flaw(file, columns):
            instead = "" if os.path.isfile(root) else f" {INSTEAD}"
            raise DataError(f"{file} cannot be used as a list of pairs. {said}{instead}")
    return splits_in(found)


def open_split(root: str, split: str, columns: Sequence[str]) -> ListTable:
    """The rows of a split whose files are all there; see `Layout`."""
    found = find_lists(root)
    if ALL not in found:
        return open_list(found[split], split, columns)
    file, lines = lines_of_split(found, split)
    table = _table(file, columns, lines)
    refuse_undivided(file, table)
    return table


def open_list(file: Path, split: str, columns: Sequence[str]) -> ListTable:
    """All rows of a list of one split whose files are all there.

    Args:
        file: The list.
        split: That of all its rows.
        columns: As for `Layout.open_split`.

    Raises:
        DataError: If it cannot be read, or does not have the columns.
    """
    if said := flaw(file, columns):
        raise DataError(f"{file} cannot be used as a list of pairs. {said}")
    table = _table(file, columns, partial(_lines_of_one_split, file, split))
    if table.unlisted:
        table.layout += f"; images beside them that are not in the list: {table.unlisted}"
    return table


def find_lists(root: str) -> dict[str, Path]:
    """Split -> its list, or `ALL` -> the one list of all, which is ``root`` itself or in it, or in its folder `DATA`.

    Raises:
        DataError: If there are several, of which only one would be used.
    """
    if os.path.isfile(root):
        return {ALL: Path(root)} if is_list(root) else {}
    found = [*_lists_in(root), *_lists_in(os.path.join(root, DATA))]
    counts = Counter(split for split, _ in found)
    if len(found) > 1 and (rivals := [file for split, file in found if counts[ALL] or counts[split] > 1]):
        raise DataError(
            f"{rivals[0]} and {rivals[1]} are lists of the same images. Move one away, or give the one that is meant "
            "as the data."
        )
    return dict(found)


def single_images(root: str) -> dict[str, Path]:
    """As `find_lists`, where each list names one image a row: none of pairs, but perhaps of A|B files."""
    found = find_lists(root)
    return found if all(len(images_of(file)) == 1 for file in found.values()) else {}


def flaw(file: Path, columns: Sequence[str]) -> str:
    """Why a list has no rows of images, in a sentence; empty where it has.

    Raises:
        DataError: If it cannot be read.
    """
    if not (lines := list(islice(lines_of(file), 1))):
        return "It has no rows."
    first = lines[0]
    if first.problem:
        return f"{first.place.capitalize()}: {first.problem}"
    if not columns_of(file, columns):
        there = ", ".join(repr(printable(key)) for key in first.values)
        wanted = f"columns {', '.join(columns)}" if columns else "two columns of images"
        return f"Its first row, {first.place}, does not have {wanted}; it has {there}."
    if not any(split for split, _ in divided(file)):
        return f"{first.place.capitalize()}: {next(divided(file))[1].problem}"
    return ""


def _lists_in(folder: str) -> list[tuple[str, Path]]:
    """Split and list: of all splits (``metadata.csv``), of one (``train.csv``), or in the folder of one."""
    names = _files_in(folder)
    whole = [(ALL, Path(folder, name)) for name in names if stands_for_folder(name)]
    own = [(os.path.splitext(name)[0], Path(folder, name)) for name in names if is_list(name)]
    below = [
        (name, Path(folder, name, file))
        for name in folders_in(folder)
        if name != DATA
        for file in _files_in(os.path.join(folder, name))
        if stands_for_folder(file)
    ]
    return [*whole, *((split, file) for split, file in own if our_name(split) in SPLIT_NAMES), *below]


def _files_in(folder: str) -> list[str]:
    """Names of the files in a folder, sorted, without hidden ones; none where there is none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] not in "._" and entry.is_file())
    except OSError:  # `folders_in` says what is wrong, where it matters
        return []


def _table(file: Path, columns: Sequence[str], lines: Callable[[], Iterable[Line]]) -> ListTable:
    keys = columns_of(file, columns)
    return read_table(file, keys, among(list(keys), columns) or list(keys), lines)


def lines_of_split(found: Mapping[str, Path], split: str) -> tuple[Path, Callable[[], Iterator[Line]]]:
    """The list of a split, and what reads its rows: those that can be of any split are among them, with a problem."""
    if (file := found.get(ALL)) is None:
        return (own := found[split]), partial(_lines_of_one_split, own, split)
    return file, partial(_lines_of_any, file, split)


def splits_in(found: Mapping[str, Path]) -> list[str]:
    """The splits of lists as `find_lists` gives them."""
    return sorted({split for split, _ in divided(file) if split}) if (file := found.get(ALL)) else sorted(found)


def refuse_undivided(file: Path, table: ListTable) -> None:
    """Stop at a list of all splits without a column for them, where another column or its files' folders say them.

    Raises:
        DataError: If that is so.
    """
    if any(split_column(tuple(line.values)) for line in islice(lines_of(file), 1)):
        return
    refuse_hidden_splits(str(file), table.hints, "train")
    tops = {Path(row[0]).relative_to(file.parent).parts[0] for row in table.files if _is_below(row[0], file.parent)}
    folders = {top for top in tops if our_name(top) in SPLIT_NAMES}
    if len(set(map(our_name, folders))) > 1:
        there = " and ".join(sorted(folders))
        raise DataError(f"{file} has no column {SPLIT!r}, and lists files in {there}. Add the column.")


def _lines_of_any(file: Path, split: str) -> Iterator[Line]:
    return (line for of, line in divided(file) if of in (split, None))


def _lines_of_one_split(file: Path, split: str) -> Iterator[Line]:
    """The rows of a list that is of one split; a row that says another has a problem."""
    for of, line in divided(file, split):
        wrong = of not in (None, split) and our_name(str(of)) != our_name(split)
        yield line._replace(problem=f"{SPLIT!r} is {of!r} in a list of {split!r}. Correct it.") if wrong else line


def _is_below(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder)
