"""Parquet files, as the Hub keeps its sets: ``train-00000-of-00004.parquet``, ``data/validation-*.parquet``."""

from collections.abc import Sequence

from i2i.data.tables import shards
from i2i.data.tables.shards import Shard
from i2i.data.tables.table import Table
from i2i.places import is_url

SUFFIX = ".parquet"


def splits(root: str, columns: Sequence[str]) -> Sequence[str]:
    """See `i2i.data.tables.table.Layout`."""
    return list(shards.by_split(shards.find(root, SUFFIX)))


def open_split(root: str, split: str, columns: Sequence[str]) -> Table:
    """See `i2i.data.tables.table.Layout`."""
    return open_shards(shards.by_split(shards.find(root, SUFFIX))[split], columns, remote=is_url(root))


def open_shards(found: Sequence[Shard], columns: Sequence[str], *, remote: bool) -> Table:
    """One split, whose files are known; see `ParquetTable`."""
    from i2i.data.tables.rowgroups import ParquetTable  # pyarrow takes its time

    return ParquetTable(found, columns, remote=remote)
