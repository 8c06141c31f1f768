"""A dataset divided anew: the same pairs, to the bit, in other splits."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from i2i import safe_yaml
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.names import choose
from i2i.data.tables.table import Table
from i2i.errors import DataError, UsageError
from i2i.images import MAX_PIXELS, Limit, Range
from i2i.pairs import Finding, Item, LeftOut, Pair
from i2i.places import is_url
from i2i.prepared import CARD
from i2i_prepare.known import Known, file_of, known_of, lies_on_a_map, stamps_of


class Split:
    """The pairs of a dataset, of whatever layout -> the same pairs in new splits.

    A stays A and B stays B. Which pair goes where is decided as for any preparer; copies stay together. Of a dataset
    that was prepared, groups stay together as well, and what is known about a pair is kept. Map tiles are refused:
    neighbours would come to two splits.

    Args:
        source: Column of A, where the dataset has others than one pair of a known name.
        target: Column of B, likewise.
        range: Values that stand for black and white: of A and B, or of each. Images of a declared range become float32
            in [-1, 1]; all others are the same to the bit.
        max_pixels: Largest image that is read, width times height.

    Raises:
        UsageError: If only one of the columns is given, or more than two ranges.
    """

    def __init__(
        self,
        *,
        source: str | None = None,
        target: str | None = None,
        range: tuple[Range, ...] | None = None,
        max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS,
    ) -> None:
        if (source is None) != (target is None):
            raise UsageError("Give both columns, source and target, or none of them.")
        if range and len(range) > 2:
            raise UsageError(f"{len(range)} ranges are given for A and B. Give one for both, or one for each.")
        self._ranges = (*range, *range)[:2] if range else (None, None)
        self._limit = Limit(max_pixels, "--max-pixels")
        self._wanted = tuple(name for name in (source, target) if name is not None)
        self._tables: dict[tuple[str, str], Table] = {}

    def plan(self, sources: Sequence[str]) -> str:
        """Return which splits would be put together and divided anew."""
        root = _only(sources)
        splits = splits_of(root, columns=self._wanted)
        _known(root, splits, _stated(root))
        return f"All pairs of {', '.join(splits)} in {root!r}, divided anew."

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Find all rows of all splits; what the dataset's reader leaves out is rejected.

        Raises:
            UsageError: If there is not exactly one source, or it holds map tiles.
            DataError: If it is no dataset of pairs.
        """
        root = _only(sources)
        splits = splits_of(root, columns=self._wanted)
        stated = _stated(root)
        known = _known(root, splits, stated)
        tables = {split: self._table(root, split) for split in splits}
        seen = Counter(name for table in tables.values() for name in table.names)
        unique = seen.total() == len(seen)
        items, left_out = [], []
        for split, table in tables.items():
            prefix = "" if unique else f"{split}/"
            left_out += [LeftOut(f"{split}/{p.name}", "rejected", p.reason, p.message) for p in table.problems]
            columns = self._columns(table)
            stamps = stamps_of(root, table, columns)
            for row, (name, stamp) in enumerate(zip(table.names, stamps, strict=True)):
                key = {"root": root, "split": split, "row": row, "name": name, "stamp": stamp}
                pair = known[split].get(file_of(root, table, row, columns[0]), Known())
                items.append(Item(prefix + name, key, pair.group, metadata={**pair.metadata, "split_before": split}))
        facts = {"layout": next(iter(tables.values())).layout, "splits": {s: len(t.names) for s, t in tables.items()}}
        texts = {name: str(stated.get(name) or "") for name in ("licence", "attribution", "terms")}
        return Finding(items, left_out, facts=_facts(stated) | facts, **texts)

    def make(self, item: Item) -> Pair:
        """Make the pair of a row, with all its channels and bits.

        Raises:
            DataError: If one of its images is damaged or missing.
        """
        table = self._table(item.key["root"], item.key["split"])
        a, b = (
            table.picture(item.key["row"], column, value_range=value_range, limit=self._limit).pixels
            for column, value_range in zip(self._columns(table), self._ranges, strict=True)
        )
        return Pair(a, b)

    def _columns(self, table: Table) -> tuple[str, str]:
        """Return those of A and B."""
        (source,), (target,) = choose(table.columns, self._wanted[:1], self._wanted[1:], "AtoB")
        return source, target

    def _table(self, root: str, split: str) -> Table:
        if (root, split) not in self._tables:
            self._tables[root, split] = open_table(root, split, columns=self._wanted)
        return self._tables[root, split]


def _only(sources: Sequence[str]) -> str:
    """Return the one dataset: an absolute path, or an address."""
    if len(sources) != 1:
        raise UsageError(f"split takes one dataset, not {len(sources)}.")
    return sources[0] if is_url(sources[0]) else os.path.abspath(sources[0])


def _stated(root: str) -> dict[str, Any]:
    """Read what ``dataset.yaml`` says, where there is one."""
    file = os.path.join(root, CARD)
    if not os.path.isfile(file):
        return {}
    try:
        text = Path(file).read_text("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{file} is not UTF-8. Save it as UTF-8, or move it away.") from None
    card = safe_yaml.load(text, file)
    return card if isinstance(card, dict) else {}


def _facts(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the sources of the dataset were understood."""
    facts = stated.get("facts")
    return facts if isinstance(facts, dict) else {}


def _known(root: str, splits: Sequence[str], stated: Mapping[str, Any]) -> dict[str, dict[str, Known]]:
    """Return split -> what is known about its pairs; see `known_of`.

    Raises:
        UsageError: If they lie on a map, unless neighbours were on two sides all along (``--split-by none``).
    """
    known = {split: known_of(root, split) for split in splits}
    if _facts(stated).get("split") != {"by": "none"} and any(
        lies_on_a_map(pair) for pairs in known.values() for pair in pairs.values()
    ):
        raise UsageError(
            f"{root!r} holds map tiles. Divided anew, neighbours would be on two sides of a split. "
            "Divide them on the ground: `i2i prepare tiles` with --val, --test and --split-by."
        )
    return known
