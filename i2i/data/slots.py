"""Memory that processes share, for the batches that some of them read and another one trains on."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from i2i.data.batches import Stacked
from i2i.data.tensors import Room
from i2i.pairs import Pixels

ALIGNED = 64
"""Bytes between whose multiples arrays begin, as processors like it."""


class Place(NamedTuple):
    """Where an array lies in the memory that processes share."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


class Slots:
    """Memory that processes share, in parts of one size: for one batch each, that is then sent as its place alone.

    An array that does not fit is sent as it is.

    Args:
        context: How the processes start.
        count: How many parts.
        size: Bytes that the arrays of a batch mostly take.
    """

    def __init__(self, context: Any, count: int, size: int) -> None:
        self.count, self._size = count, -(-(size + ALIGNED * ALIGNED) // ALIGNED) * ALIGNED
        self._shared = context.RawArray("B", count * self._size)

    def room(self, number: int) -> Room:
        """Return what makes arrays in a part, one behind the other."""
        whole, used = self._memory(), number * self._size

        def made(shape: tuple[int, ...], dtype: "np.dtype[Any]") -> Pixels:
            nonlocal used
            start, end = used, used + prod(shape) * dtype.itemsize
            if end > (number + 1) * self._size:
                return np.empty(shape, dtype)
            used = -(-end // ALIGNED) * ALIGNED
            return whole[start:end].view(dtype).reshape(shape)

        return made

    def packed(self, stacked: Stacked) -> Stacked:
        """Replace arrays that lie in a part by their places."""
        start, places = self._memory().ctypes.data, dict[str, Any]()
        for name, values in stacked.fields.items():
            offset = values.ctypes.data - start
            inside = 0 <= offset < self.count * self._size
            places[name] = Place(offset, values.shape, values.dtype.str) if inside else values
        return stacked._replace(fields=places)

    def unpacked(self, stacked: Stacked) -> Stacked:
        """Return what was `packed`, maybe in another process."""
        whole, fields = self._memory(), dict[str, Pixels]()
        for name, values in stacked.fields.items():
            if isinstance(values, Place):
                dtype = np.dtype(values.dtype)
                end = values.offset + prod(values.shape) * dtype.itemsize
                values = whole[values.offset : end].view(dtype).reshape(values.shape)
            fields[name] = values
        return stacked._replace(fields=fields)

    def _memory(self) -> Pixels:
        return np.frombuffer(self._shared, np.uint8)
