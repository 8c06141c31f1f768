"""Opens a split of a dataset, of whatever kind."""

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from i2i.options import build
from i2i.pairs import PairDataset
from i2i.places import is_url
from i2i.plugins import lookup


def open_pairs(
    root: str | PathLike[str], split: str, *, name: str = "pairs", options: Mapping[str, Any] = {}
) -> PairDataset:
    """The pairs of one split.

    Args:
        root: The dataset's folder, or its address.
        split: Such as ``train``.
        name: The component that reads it.
        options: Those of the component.

    Raises:
        MissingSplitError: If the dataset has no such split.
        I2iError: If there is no dataset, or it cannot be read, or not with these options.
    """
    root = fspath(root)
    place = root if is_url(root) else Path(root)
    pairs: PairDataset = build(lookup("dataset", name).cls, place, split, options=options, owner=f"dataset {name!r}")
    return pairs
