"""WebDataset: tar files whose members are grouped by key, such as ``0001.imageA.png`` and ``0001.imageB.png``."""

from collections.abc import Sequence

from i2i.data.tables import shards
from i2i.data.tables.shards import Shard
from i2i.data.tables.table import Table
from i2i.places import is_url

SUFFIX = ".tar"


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.table.Layout`."""
    return list(shards.by_split(shards.find(root, SUFFIX)))


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.table.Layout`."""
    return open_shards(shards.by_split(shards.find(root, SUFFIX))[split], columns, remote=is_url(root))


def open_shards(found: Sequence[Shard], columns: Sequence[str], *, remote: bool) -> Table:
    """One split, whose files are known; see `TarTable`."""
    from i2i.data.tables.tars import TarTable

    return TarTable(found, columns, remote=remote)
