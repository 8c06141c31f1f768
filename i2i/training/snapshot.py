"""What a step left, written before the next one changes it, and checked afterwards.

To write files without waiting for the disk takes less time than to copy them in memory, and none of the process's own:
the system keeps them for it. All that takes long is done later, beside the next steps.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from torch import Tensor

from i2i.errors import DataError
from i2i.system.folders import NewFolder
from i2i.translation.model import CONFIG, ModelConfig, config_bytes, weights_file
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


class Written:
    """A file that was written, until it is known to be whole.

    Args:
        path: Where it is.
        written: All of it.
    """

    def __init__(self, path: Path, written: list[Piece]) -> None:
        self.path, self._written = path, written
        self._sha256 = ""

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


class Snapshot:
    """Files with the tensors of one step. One that is needed twice is written once, and gets a second name."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Written] = {}

    def write(self, folder: NewFolder, name: str, tensors: Mapping[str, Tensor]) -> Written:
        """Write a file of tensors.

        Args:
            folder: Where it goes.
            name: What it is called there.
            tensors: Its content.

        Raises:
            OutputError: If it cannot be written.
        """
        key = tuple((each, *_memory_of(tensor)) for each, tensor in sorted(tensors.items()))
        if key in self._known:
            folder.link(name, self._known[key].path)
        else:
            written = list[Piece]()
            folder.write(name, _noted(pieces(tensors), written))
            self._known[key] = Written(folder.path(name), written)
        return self._known[key]


class BegunModel:
    """A model folder whose weights are written.

    Args:
        snapshot: What else was written of this step.
        folder: Where it goes.
        config: What the model is.
        weights: Part of the recipe -> its weights.

    Raises:
        OutputError: If it cannot be written.
    """

    def __init__(
        self, snapshot: Snapshot, folder: Path, config: ModelConfig, weights: Mapping[str, Mapping[str, Tensor]]
    ) -> None:
        self._folder, self._config = NewFolder(folder), config
        self._files = {
            weights_file(part): snapshot.write(self._folder, weights_file(part), tensors)
            for part, tensors in weights.items()
        }

    def finish(self) -> None:
        """Check it, and put it in its place.

        Raises:
            OutputError: If it cannot be written.
            DamagedError: If what was written does not read back.
        """
        with self._folder as folder:
            sums = {name: file.sha256(str(folder.place / name)) for name, file in self._files.items()}
            folder.write(CONFIG, [config_bytes(self._config, sums)])
            folder.put()


def _memory_of(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.dtype, tensor.device, tuple(tensor.shape), tensor.stride()


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
