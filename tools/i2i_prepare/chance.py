"""Random numbers that a preparer may draw."""

import hashlib

import numpy as np

from i2i.pairs import Pixels


def generator(seed: int, *images: Pixels) -> np.random.Generator:
    """Build a generator from a seed and what is in the images: not from their names, their order or the worker.

    Args:
        seed: Another seed, other numbers.
        images: (H, W, C) each, of any dtype.
    """
    digest = hashlib.blake2b(str(seed).encode(), digest_size=16)
    for image in images:
        digest.update(f" {image.dtype} {image.shape} ".encode())
        digest.update(np.ascontiguousarray(image).data)
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest.digest(), "big")))
