"""WebDataset: tar files whose members are grouped by key, such as ``0001.imageA.png`` and ``0001.imageB.png``."""

from collections.abc import Sequence

from i2i.data.tables import shards
from i2i.data.tables.contract import Table

SUFFIX = ".tar"


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.contract.Layout`."""
    return list(shards.by_split(shards.find(root, SUFFIX)))


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.contract.Layout`."""
    from i2i.data.tables.tars import TarTable

    found = shards.by_split(shards.find(root, SUFFIX))[split]
    return TarTable(found, columns, remote=shards.is_url(root))
