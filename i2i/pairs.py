"""Pairs of images as arrays: what datasets yield and preparers make. Free of torch: worker processes start fast."""

from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""An image, (H, W, C): uint8 in 0..255, uint16 in 0..65535, or float32 in [-1, 1]. The dtype alone says the range."""


class Pair(NamedTuple):
    """A source and the target it should become, (H, W, C) each."""

    source: Pixels
    target: Pixels


@runtime_checkable
class PairDataset(Protocol):
    """``__init__(root, split, *, options)``; a fixed sequence of pairs."""

    names: list[str]
    """One name a pair, for reports and sample grids."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pair: ...


@runtime_checkable
class Preparer(Protocol):
    """``__init__(*, options)``; makes a pair out of one image, or out of two of the same name where ``inputs`` is 2.

    Instances live in worker processes, one a process; build what is costly (a network) in ``__init__``.
    """

    inputs: ClassVar[int]

    def __call__(self, *images: Pixels) -> Pair:
        """The pair that is made of these images."""
        ...


def range_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Smallest and largest value that an image of this dtype can hold.

    Raises:
        TypeError: If images are never of this dtype.
    """
    if dtype == np.uint8 or dtype == np.uint16:
        return 0.0, float(np.iinfo(dtype).max)
    if dtype == np.float32:
        return -1.0, 1.0
    raise TypeError(f"Images are uint8, uint16 or float32, not {dtype}. Convert the image and declare its range.")
