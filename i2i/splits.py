"""Splits of a dataset: what we call them, what others do, and which pair is drawn for which."""

import hashlib
from collections.abc import Container, Sequence
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
HELD_OUT: tuple[Split, ...] = ("val", "test")
SAFEST: tuple[Split, ...] = ("test", "val", "train")
"""Splits from the one whose figures say most."""
HUB_NAMES = {"val": "validation"}
"""What the Hugging Face Hub calls a split, where it has a name of its own."""

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "validation", "valid", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""What splits are called by us, and by others: the words by which the Hugging Face Hub knows them."""
_OURS = {name: ours for ours, names in SPLIT_NAMES.items() for name in names}


def our_name(split: str) -> str:
    """Return what we call a split that others may call otherwise.

    Example:
        >>> our_name("Validation"), our_name("extra")
        ('val', 'extra')
    """
    return _OURS.get(split.lower(), split)


def in_order(splits: Sequence[str]) -> list[str]:
    """Sort splits: train, val, test, then others by name."""
    order = list(SPLIT_NAMES)
    return sorted(splits, key=lambda s: (order.index(our_name(s)) if our_name(s) in order else len(order), s))


def safest(splits: Container[str]) -> Split:
    """Return the split of a pair that is like pairs of all of these: not training where it is measured on another.

    Args:
        splits: Ours, one or more.
    """
    return next(split for split in SAFEST if split in splits)


def drawn(key: str) -> float:
    """Return a number in 0..1 that depends on the key alone: who is held out is the same everywhere, whatever is added.

    Example:
        >>> drawn("0:cat") == drawn("0:cat") != drawn("1:cat")
        True
    """
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()[:8], "big") / 2**64
