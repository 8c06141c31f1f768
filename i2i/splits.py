"""Splits of a dataset: what we call them, and what others do."""

from collections.abc import Sequence
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "validation", "valid", "dev"),
    "test": ("test", "testing"),
}
"""What splits are called by us, and by others."""


def our_name(split: str) -> str:
    """What we call a split that others may call otherwise.

    Example:
        >>> our_name("Validation"), our_name("extra")
        ('val', 'extra')
    """
    return next((ours for ours, names in SPLIT_NAMES.items() if split.lower() in names), split)


def in_order(splits: Sequence[str]) -> list[str]:
    """Train, val, test, then others by name."""
    order = list(SPLIT_NAMES)
    return sorted(splits, key=lambda s: (order.index(our_name(s)) if our_name(s) in order else len(order), s))
