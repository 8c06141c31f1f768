"""Order and augmentation as pure functions of (seed, epoch, index).

Nothing has to be saved to resume in the middle of an epoch, and the number of workers cannot change a result. Only
``random.Random(text).random()`` is used: Python promises its values for all versions.
"""

from random import Random


def keyed(*key: int | str) -> Random:
    """A generator of its own for each key."""
    return Random("/".join(str(part) for part in key))


def order(seed: int, epoch: int, length: int) -> list[int]:
    """The permutation of ``range(length)`` in which an epoch visits the pairs."""
    return permutation(keyed(seed, epoch, "order"), length)


def permutation(rng: Random, length: int) -> list[int]:
    """A permutation of ``range(length)``."""
    draws = [rng.random() for _ in range(length)]
    return sorted(range(length), key=draws.__getitem__)
