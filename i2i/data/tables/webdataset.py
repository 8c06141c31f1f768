"""WebDataset: tar files whose members are grouped by key, such as ``0001.imageA.png`` and ``0001.imageB.png``.

Headers are read once, and images where they lie, here or behind an address: unpacked, or copied to Arrow files as the
datasets library does, a large set would be twice on the disk.
"""

import os
import tarfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import PurePosixPath
from typing import IO, NamedTuple

import numpy as np

from i2i.data.order import BlockCache
from i2i.data.tables import stored
from i2i.data.tables.names import images_among
from i2i.data.tables.stored import DataFile
from i2i.data.tables.table import Problem, Table
from i2i.errors import DataError, things
from i2i.images import printable
from i2i.images.discovery import SUFFIXES
from i2i.pairs import Block

BLOCK = 16 * 2**20
"""Bytes that one request for neighbouring rows fetches, where shards are far away."""


class Extent(NamedTuple):
    """Where a member's bytes are."""

    offset: int
    size: int


Images = dict[str, Extent]
"""Those of a row, by column."""


class TarTable(Table):
    """One split of a set of tar files.

    A member ``some/0001.imageA.png`` is column ``imageA`` of row ``some/0001``: the key ends at the first dot of the
    file name, what follows without the suffix is the column; of ``0001.png`` that is ``png``. Members that are no
    images (``0001.json``) are no columns. Shards are never unpacked, and compressed ones are not read.

    Args:
        found: The files, in order.
        columns: Those that every row must have; when empty, the pair that is found, or those of most rows.
        remote: Whether they are far away, so that neighbours are read together.

    Raises:
        MissingInputError: If a file is not there.
        UsageError: If no row has such a column.
        DataError: If a file cannot be read, or none holds images.
    """

    def __init__(self, found: Sequence[DataFile], columns: Sequence[str], *, remote: bool) -> None:
        self._shards = found
        problems: list[Problem] = []
        read = [(number, key, row) for number, shard in enumerate(found) for key, row in _rows(shard, problems).items()]
        columns = _chosen(found, [row for _, _, row in read], columns)
        whole = []
        for number, key, row in read:
            if lacking := [column for column in columns if column not in row]:
                what = f"has no {' and no '.join(lacking)}. Add it, or remove the others."
                problems.append(_problem(found[number], key, "no-partner", what))
            else:
                whole.append((number, key, row))
        names = self._keys = [printable(key) for _, key, _ in whole]
        if len(set(names)) < len(names):
            names = [f"{printable(found[number].name)}/{printable(key)}" for number, key, _ in whole]
        self._shard_of = np.array([number for number, _, _ in whole], np.int32)
        extents = [[row[column] for column in columns] for _, _, row in whole]
        self._extents = np.array(extents, np.int64).reshape(len(whole), len(columns), 2)
        layout = f"WebDataset, {things(len(found), 'shard')}"
        super().__init__(layout, names, columns, problems)
        runs = list(self._runs()) if remote else []
        self.blocks = [Block(len(rows), size) for rows, _, size in runs]
        self._starts = [0, *accumulate(block.pairs for block in self.blocks)]
        self._offsets = [offset for _, offset, _ in runs]
        self._cache = BlockCache(self._read, self.blocks)

    def encoded(self, row: int, column: str) -> bytes:
        """Return the bytes of the image's file."""
        offset, size = self._extents[row, self.columns.index(column)].tolist()
        if self.blocks:
            block = bisect_right(self._starts, row) - 1
            start = offset - self._offsets[block]
            data = self._cache[block][start : start + size]
        else:
            data = self._bytes(row, offset, size)
        if len(data) != size:
            raise DataError(f"{self.where(row, column)} is cut off. The shard has changed, or was not copied whole.")
        return data

    def where(self, row: int, column: str) -> str:
        """Return what errors call an image."""
        return f"{column} of {self.names[row]!r} in {self._shards[self._shard_of[row]].url}"

    def _read(self, number: int) -> bytes:
        return self._bytes(self._starts[number], self._offsets[number], self.blocks[number].size)

    def _bytes(self, row: int, offset: int, size: int) -> bytes:
        with stored.opened(self._shards[self._shard_of[row]].url) as file:
            file.seek(offset)
            return bytes(file.read(size))

    def _runs(self) -> Iterator[tuple[range, int, int]]:
        """Yield rows that follow one another in a shard within `BLOCK` bytes: rows, offset and size."""
        lows = self._extents[..., 0].min(axis=1).tolist()
        highs = self._extents.sum(axis=2).max(axis=1).tolist()
        first, high = 0, 0
        for row, low in enumerate(lows):
            elsewhere = self._shard_of[row] != self._shard_of[first] or low < lows[first]
            if row > first and (elsewhere or max(high, highs[row]) - lows[first] > BLOCK):
                yield range(first, row), lows[first], high - lows[first]
                first, high = row, 0
            high = max(high, highs[row])
        if lows:
            yield range(first, len(lows)), lows[first], high - lows[first]


def _rows(shard: DataFile, problems: list[Problem]) -> dict[str, Images]:
    """Return key -> its images; adds what cannot be one to the problems."""
    rows: dict[str, Images] = {}
    with stored.opened(shard.url) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        for member in _members(file, shard, problems):
            path = PurePosixPath(member.name)
            name, _, rest = path.name.partition(".")
            suffix = PurePosixPath(f"x.{rest}").suffix.lower()
            if member.isdir() or not name or suffix not in SUFFIXES:
                continue
            key = str(path.parent / name)
            column = rest[: -len(suffix)] or suffix[1:]
            if reason := _refusal(member, column in rows.get(key, {}), size):
                problems.append(_problem(shard, member.name, *reason))
            else:
                rows.setdefault(key, {})[column] = Extent(member.offset_data, member.size)
    return rows


def _members(file: IO[bytes], shard: DataFile, problems: list[Problem]) -> Iterator[tarfile.TarInfo]:
    """Yield the headers of a tar file; where what can be read ends before the archive does is a problem."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            while (member := tar.next()) is not None:
                yield member
                tar.members.clear()  # type: ignore[attr-defined]  # else every header would stay in memory
            file.seek(tar.offset)
            whole = file.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)  # the mark of the end
    except tarfile.TarError:
        whole = False
    if not whole:
        message = f"{shard.url} is damaged or cut off. Copy or download it again."
        problems.append(Problem(printable(shard.name), "bad-shard", message))


def _refusal(member: tarfile.TarInfo, doubled: bool, size: int) -> tuple[str, str] | None:
    """Return a code, and what is wrong with a member; nothing where it is an image."""
    if member.islnk() or member.issym():
        return "link", "is a link, and links are not followed. Store the image itself."
    if not member.isreg() or member.issparse():
        return "not-a-file", "is no plain file. Store the image itself."
    if doubled:
        return "doubled", "is there twice. Remove one."
    if member.offset_data + member.size > size:
        return "cut-off", "is cut off. Copy or download the shard again."
    return None


def _problem(shard: DataFile, member: str, reason: str, what: str) -> Problem:
    name = printable(member)
    return Problem(f"{printable(shard.name)}/{name}", reason, f"{name!r} in {shard.url} {what}")


def _chosen(found: Sequence[DataFile], rows: Sequence[Images], wanted: Sequence[str]) -> Sequence[str]:
    counts = Counter(column for row in rows for column in row)
    chosen = images_among(list(counts), wanted, found[0].url)
    if not counts:
        raise DataError(f"{found[0].url} holds no images such as 0001.imageA.png.")
    most = sorted(column for column, count in counts.items() if 2 * count > len(rows))
    return chosen or most or sorted(counts)
