"""Files of tensors that are summed as they are written, and known to be whole only once they were read back."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from torch import Tensor

from i2i.errors import DataError
from i2i.system.folders import NewFolder
from i2i.translation.weights import pieces

WORD = 8
"""Bytes that are summed as one number."""
MODULUS = 1 << 8 * WORD
AT_ONCE = WORD * 2**17
"""Bytes that are read back at once."""


class DamagedError(DataError):
    """A file of a run that is not what was written."""


class Piece(NamedTuple):
    """What was written in one go."""

    length: int
    """In bytes."""
    sum: int
    """See `sum_of`."""


class TensorFile:
    """A file of tensors in a folder that is not in its place yet.

    Args:
        folder: Where it goes.
        name: What it is called there.
        tensors: Its content, which is let go of once it is written.
    """

    def __init__(self, folder: NewFolder, name: str, tensors: Mapping[str, Tensor]) -> None:
        self.path = folder.path(name)
        self._folder, self._name, self._tensors = folder, name, tensors
        self._written = list[Piece]()
        self._sha256 = ""

    def write(self) -> None:
        """Write it, without waiting for the disk.

        Raises:
            OutputError: If it cannot be written.
        """
        self._folder.write(self._name, _noted(pieces(self._tensors), self._written))
        self._tensors = {}

    def sha256(self, name: str) -> str:
        """Return its checksum, for which it is read back once.

        Args:
            name: What an error calls it.

        Raises:
            DamagedError: If it is not what was written.
        """
        if not self._sha256:
            checksum = hashlib.sha256()
            try:
                with self.path.open("rb") as file:
                    whole = all(_read_back(file, piece.length, checksum) == piece for piece in self._written)
                    if not whole or file.read(1):
                        raise DamagedError(f"{name} is damaged.")
            except OSError:
                raise DamagedError(f"{name} cannot be read.") from None
            self._sha256 = checksum.hexdigest()
        return self._sha256


def sum_of(data: memoryview) -> int:
    """Return the sum of the words of 8 bytes, modulo 2**64, and of the bytes that are left: any flipped bit changes it.

    Ten times as fast as a cryptographic checksum, against which nobody attacks a file that was just written.
    """
    whole = len(data) // WORD * WORD
    total = int(np.frombuffer(data[:whole], np.uint64).sum()) + int.from_bytes(data[whole:], "little")
    return total % MODULUS


def _read_back(file: BinaryIO, length: int, checksum: Any) -> Piece:
    """Read so much of a file, as far as it goes, in parts of whole words; adds it to a checksum."""
    got, total = 0, 0
    while part := file.read(min(AT_ONCE, length - got)):
        checksum.update(part)
        got, total = got + len(part), total + sum_of(memoryview(part))
    return Piece(got, total % MODULUS)


def _noted(data: Iterable[memoryview], written: list[Piece]) -> Iterator[memoryview]:
    for piece in data:
        written.append(Piece(len(piece), sum_of(piece)))
        yield piece
