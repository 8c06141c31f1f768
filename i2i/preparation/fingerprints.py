"""Fingerprints by which copies of a picture are known: checksums of what is read and made, and what it looks like."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from math import sqrt

import numpy as np

from i2i.images.colour import deviation
from i2i.images.near_copies import miniature, telling
from i2i.pairs import Pixels

ONE_LEVEL = 1 / 255
"""Standard deviation, of the range of values, below which a picture shows nothing; the dataset doctor has the same."""


def likeness_of(images: Sequence[Pixels]) -> tuple[str, ...]:
    """Return miniatures of images in Base64, all different, of those that show enough to be known by.

    Args:
        images: (H, W, C) each, of any dtype.
    """
    miniatures = [miniature(pixels) for pixels in images]
    return tuple(dict.fromkeys(b64encode(one.tobytes()).decode() for one in miniatures if telling(one[None])[0]))


def contents_of(files: Sequence[str], read: Sequence[Pixels], made: Sequence[Pixels]) -> tuple[str, ...]:
    """Return checksums of what a pair consists of; none of images of one colour, unless there are no others.

    Args:
        files: SHA-256 of the files that were read.
        read: Their images.
        made: The images that were made.

    Returns:
        The first 32 hexadecimal digits of SHA-256 sums, all different, of the source first; at least one.
    """
    sums = [_digest(pixels) for pixels in made]
    shown = [file for file, pixels in zip(files, read, strict=True) if shows_something(pixels)]
    shown += [text for text, pixels in zip(sums, made, strict=True) if shows_something(pixels)]
    whole = hashlib.sha256(" ".join([*files, *sums]).encode()).hexdigest()
    return tuple(dict.fromkeys(text[:32] for text in shown or [whole]))


def shows_something(pixels: Pixels) -> bool:
    """Return whether a picture is more than one colour."""
    some = pixels[::8]
    # the variance of all is at least that of some of them times their share, which is the quick answer
    return deviation(some) * sqrt(len(some) / len(pixels)) >= ONE_LEVEL or deviation(pixels) >= ONE_LEVEL


def _digest(pixels: Pixels) -> str:
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
