"""Orders of training pairs: permutations by (seed, epoch), also of pairs that are read in blocks, with their cache.

A position in the stream is a number and nothing else: the visits of an epoch are a function of (seed, epoch, blocks),
so that a run goes on from any step without having saved a buffer, with any number of workers.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Generic, TypeVar

import numpy as np

from i2i.pairs import Block

Content = TypeVar("Content")

WINDOW = 256 * 2**20
"""Bytes of the blocks whose pairs are shuffled together; a set that is smaller is shuffled as a whole."""


def visits(seed: int, epoch: int, blocks: Sequence[Block], start: int = 0, *, limit: int = WINDOW) -> Iterator[int]:
    """Yield the pairs of an epoch in the order of their visits, from position ``start`` on.

    The blocks are shuffled, joined into windows, and the pairs of each window are shuffled.

    Args:
        seed: The run's seed.
        epoch: Counted from 0.
        blocks: Of the whole set.
        start: Visits of this epoch that are already done.
        limit: Bytes of a window; one block may be larger.
    """
    firsts = [0, *accumulate(block.pairs for block in blocks)]
    for number, window in enumerate(windows(seed, epoch, blocks, limit)):
        length = sum(blocks[block].pairs for block in window)
        if start < length:
            pairs = [pair for block in window for pair in range(firsts[block], firsts[block + 1])]
            places = permutation(keyed(seed, epoch, "window", number), length)
            yield from (pairs[place] for place in places[start:])
        start = max(0, start - length)


def windows(seed: int, epoch: int, blocks: Sequence[Block], limit: int = WINDOW) -> Iterator[list[int]]:
    """Yield the blocks of an epoch, shuffled, as many together as fit into the limit, and at least one."""
    window, size = list[int](), 0
    for block in permutation(keyed(seed, epoch, "blocks"), len(blocks)):
        if window and size + blocks[block].size > limit:
            yield window
            window, size = [], 0
        window.append(block)
        size += blocks[block].size
    if window:
        yield window


class BlockCache(Generic[Content]):
    """The blocks that were used last; each process fills its own.

    Args:
        read: Number of a block -> what is in it.
        blocks: All of them, for their sizes.
        limit: Bytes that are kept; one block always is.
    """

    def __init__(self, read: Callable[[int], Content], blocks: Sequence[Block], *, limit: int = WINDOW) -> None:
        self._read, self._blocks, self._limit = read, blocks, limit
        self._kept: OrderedDict[int, Content] = OrderedDict()

    def __getitem__(self, number: int) -> Content:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        needed = self._blocks[number].size
        while self._kept and needed + sum(self._blocks[kept].size for kept in self._kept) > self._limit:
            self._kept.popitem(last=False)
        self._kept[number] = self._read(number)
        return self._kept[number]

    def __getstate__(self) -> dict[str, Any]:
        # what was read stays here when a worker process gets a copy
        return {**self.__dict__, "_kept": OrderedDict()}


def keyed(*key: int | str) -> Random:
    """Return a generator of random numbers of its own for each key."""
    return Random("/".join(str(part) for part in key))


def order(seed: int, epoch: int, length: int) -> list[int]:
    """Return the permutation of ``range(length)`` in which an epoch visits the pairs."""
    return permutation(keyed(seed, epoch, "order"), length)


def permutation(rng: Random, length: int) -> list[int]:
    """Shuffle ``range(length)``."""
    draws = [rng.random() for _ in range(length)]
    return sorted(range(length), key=draws.__getitem__)


def spread(length: int, count: int) -> list[int]:
    """Return at most ``count`` indices, evenly over ``range(length)``, the first and the last among them.

    Example:
        >>> spread(10, 4), spread(3, 5), spread(0, 5)
        ([0, 3, 6, 9], [0, 1, 2], [])
    """
    return sorted({round(place) for place in np.linspace(0, length - 1, min(count, length))})
